/** Collects the steps of a transaction in any order and puts them into the one that transaction.ts promises. */
import type { Family } from '#lib'
import type { TableName } from './names.ts'
import { KUBE_NODEPORTS } from './names.ts'
import { isPrefixChain, prefixBits } from './prefix-chains.ts'
import type { Section, Step, Transaction } from './transaction.ts'

export type TransactionDraft = {
  /** Creates or refills a chain; `lines` are rule texts. */
  fill(table: TableName, chain: string, rules: readonly string[]): void
  /** Empties and deletes a chain. */
  drop(table: TableName, chain: string): void
  /** `-I` lines into a chain that exists or is filled in the same transaction. */
  insert(table: TableName, lines: readonly string[]): void
  /** `-D` lines. */
  remove(table: TableName, lines: readonly string[]): void
  seal(services: readonly string[]): Transaction
}

/**
 * Later ones refer to earlier ones; the chains of no prefix here refer to none of ours. Between KUBE-FW- and
 * KUBE-NODEPORTS come the chains of the trees, longer prefixes first.
 */
const REFERENCE_ORDER = ['KUBE-SEP-', 'KUBE-SV', 'KUBE-EXT-', 'KUBE-FW-', KUBE_NODEPORTS, 'KUBE-SERVICES']
const TREE = REFERENCE_ORDER.indexOf('KUBE-FW-') + 1
const INSERTS = REFERENCE_ORDER.length + 1
const REMOVES = INSERTS + 1
const DROPS = REMOVES + 1

type Ranked = Map<number, Step[]>

export function draftTransaction(family: Family): TransactionDraft {
  const filterFirst: Ranked = new Map()
  const nat: Ranked = new Map()
  const filterLast: Ranked = new Map()
  const first = (table: TableName): Ranked => (table === 'nat' ? nat : filterFirst)
  const last = (table: TableName): Ranked => (table === 'nat' ? nat : filterLast)
  return {
    fill: (table, chain, rules) =>
      add(first(table), rankOf(chain), { declare: chain, lines: rules.map((rule) => `-A ${chain} ${rule}`.trimEnd()) }),
    drop: (table, chain) =>
      add(last(table), DROPS + REFERENCE_ORDER.length - rankOf(chain), { declare: chain, lines: [], remove: chain }),
    insert: (table, lines) => addLines(first(table), INSERTS, lines),
    remove: (table, lines) => addLines(last(table), REMOVES, lines),
    seal: (services) => {
      const sections: Section[] = [
        { table: 'filter', steps: inOrder(filterFirst) },
        { table: 'nat', steps: inOrder(nat) },
        { table: 'filter', steps: inOrder(filterLast) },
      ]
      return { family, services, sections: sections.filter(({ steps }) => steps.length > 0) }
    },
  }
}

function rankOf(chain: string): number {
  if (isPrefixChain(chain)) return TREE + 1 - (1 + prefixBits(chain)) / 256
  return REFERENCE_ORDER.findIndex((prefix) => chain.startsWith(prefix)) + 1
}

function addLines(ranked: Ranked, rank: number, lines: readonly string[]): void {
  for (const line of lines) add(ranked, rank, { lines: [line] })
}

function add(ranked: Ranked, rank: number, step: Step): void {
  const steps = ranked.get(rank)
  if (steps === undefined) ranked.set(rank, [step])
  else steps.push(step)
}

function inOrder(ranked: Ranked): Step[] {
  return [...ranked.keys()].sort((a, b) => a - b).flatMap((rank) => ranked.get(rank) ?? [])
}
