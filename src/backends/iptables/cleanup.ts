/**
 * Takes out everything that this mode, or kube-proxy's, has put into a host, and nothing else (IPT-42): the chains under
 * the names of names.ts and whatever jumps into them from built-in chains. KUBE-FIREWALL stays, because the kubelet owns it
 * as well, and so does a chain that rules of somebody else still refer to, emptied.
 */
import type { IptablesDoor } from '#kernel'
import { messageOf } from '#lib'
import type { Chain, Rule, Ruleset, Table } from '#rulesets/iptables'
import { parseIptablesSave, printRule } from '#rulesets/iptables'
import { createApplier } from './apply-transaction.ts'
import { draftTransaction } from './draft-transaction.ts'
import type { TableName } from './names.ts'
import {
  isServiceChain,
  KUBE_EXTERNAL_SERVICES,
  KUBE_FORWARD,
  KUBE_MARK_MASQ,
  KUBE_NODEPORTS,
  KUBE_POSTROUTING,
  KUBE_PROXY_FIREWALL,
  KUBE_SERVICES,
} from './names.ts'
import { isPrefixChain } from './prefix-chains.ts'
import type { Transaction } from './transaction.ts'
import { isEmpty } from './transaction.ts'

/** kube-proxy's, by which it notices flushes; removed from mangle as well. */
const CANARY = 'KUBE-PROXY-CANARY'

const NAMED: Readonly<Record<TableName, readonly string[]>> = {
  filter: [KUBE_SERVICES, KUBE_EXTERNAL_SERVICES, KUBE_NODEPORTS, KUBE_PROXY_FIREWALL, KUBE_FORWARD, CANARY],
  nat: [KUBE_SERVICES, KUBE_NODEPORTS, KUBE_POSTROUTING, KUBE_MARK_MASQ, CANARY],
}

export type Cleaned = {
  readonly chains: number
  /** Tables that could not be cleaned, with the reason; the others are. */
  readonly failures: readonly string[]
}

export async function cleanUp(door: IptablesDoor): Promise<Cleaned> {
  const { ruleset } = parseIptablesSave(await door.save(), door.family)
  const apply = createApplier(door)
  const failures: string[] = []
  let chains = 0
  const attempt = async (table: string, count: number, run: () => Promise<void>): Promise<void> => {
    try {
      await run()
      chains += count
    } catch (error) {
      failures.push(`${door.family} ${table}: ${messageOf(error)}`)
    }
  }
  for (const table of ['filter', 'nat'] as const) {
    const { transaction, count } = cleanupTransaction(ruleset, table)
    if (!isEmpty(transaction)) await attempt(table, count, () => apply(transaction))
  }
  if (ruleset.tables.get('mangle')?.chains.has(CANARY) === true) {
    await attempt('mangle', 1, () => door.restore(`*mangle\n:${CANARY} - [0:0]\n-X ${CANARY}\nCOMMIT\n`))
  }
  return { chains, failures }
}

export function cleanupTransaction(
  live: Ruleset,
  name: TableName,
): { readonly transaction: Transaction; readonly count: number } {
  const draft = draftTransaction(live.family)
  const table = live.tables.get(name)
  const ours = new Set([...(table?.chains.keys() ?? [])].filter((chain) => isOurs(name, chain)))
  const kept = table === undefined ? new Set<string>() : referredByOthers(table, ours)
  for (const chain of table?.chains.values() ?? []) {
    if (chain.policy === undefined) continue
    const jumps = chain.rules.filter((rule) => jumpsInto(rule, ours))
    draft.remove(
      name,
      jumps.map((rule) => `-D ${chain.name} ${printRule(rule)}`),
    )
  }
  for (const chain of ours) {
    if (kept.has(chain)) draft.fill(name, chain, [])
    else draft.drop(name, chain)
  }
  return { transaction: draft.seal([]), count: ours.size - kept.size }
}

function isOurs(table: TableName, chain: string): boolean {
  if (NAMED[table].includes(chain)) return true
  return table === 'nat' ? isServiceChain(chain) : isPrefixChain(chain)
}

/** Rules in chains that are neither ours nor built in keep a chain from being deleted. */
function referredByOthers(table: Table, ours: ReadonlySet<string>): Set<string> {
  const foreign = ({ name, policy }: Chain): boolean => policy === undefined && !ours.has(name)
  const targets = [...table.chains.values()].filter(foreign).flatMap(({ rules }) => rules.map(targetOf))
  return new Set(targets.filter((target) => target !== undefined && ours.has(target)) as string[])
}

function jumpsInto(rule: Rule, chains: ReadonlySet<string>): boolean {
  const target = targetOf(rule)
  return target !== undefined && chains.has(target)
}

function targetOf({ target }: Rule): string | undefined {
  return target?.kind === 'jump' || target?.kind === 'goto' ? target.chain : undefined
}
