/**
 * The order in which the kernel asks base chains: at each hook by priority, tables of the packet's family and `inet`
 * together. Chains of type nat are an exception: whatever their own priority, they all run where the kernel's one nat
 * function is hooked, ordered among themselves (nf_nat_register_fn), and the first that translates is the last asked.
 */
import type { NftChain, NftFamily, NftHook, NftRuleset, NftTable } from './ast.ts'
import type { Place } from './flow.ts'

export type Stage =
  | { readonly kind: 'chain'; readonly place: Place }
  | { readonly kind: 'nat'; readonly hook: NftHook; readonly places: readonly Place[] }
  | { readonly kind: 'route-arrived' | 'route-local' | 'loop-back' }
  | { readonly kind: 'deliver'; readonly to: 'forward' | 'local' }

const CONNTRACK = -200
/** nf_nat_ipv4_ops */
const NAT: Readonly<Record<NftHook, number>> = {
  prerouting: -100,
  input: 100,
  forward: 0,
  output: -100,
  postrouting: 100,
}

type Candidate = { readonly table: NftTable; readonly chain: NftChain; readonly priority: number }

/** `looped`: the second half of a packet's way to its own host, whose translations are settled. */
export function stagesAt(
  ruleset: NftRuleset,
  family: NftFamily,
  { hook, looped = false }: { readonly hook: NftHook; readonly looped?: boolean },
): readonly Stage[] {
  const found: Candidate[] = []
  for (const table of ruleset.tables) {
    if (table.family !== family && table.family !== 'inet') continue
    if (table.others?.some((other) => /^flags .*dormant/.test(other)) === true) continue
    for (const chain of table.chains.values()) {
      if (chain.base?.hook === hook) found.push({ table, chain, priority: chain.base.priority })
    }
  }
  const byPriority = found.toSorted((a, b) => a.priority - b.priority)
  const place = ({ table, chain, priority }: Candidate): Place => ({
    hook,
    table,
    base: chain,
    conntrackSeen: looped || priority > CONNTRACK,
  })
  const isNat = ({ chain }: Candidate): boolean => chain.base?.type === 'nat'
  const nat = looped ? [] : byPriority.filter(isNat)
  const others = byPriority.filter((candidate) => !isNat(candidate))
  const before = others.filter(({ priority }) => priority < NAT[hook])
  const chain = (candidate: Candidate): Stage => ({ kind: 'chain', place: place(candidate) })
  const group: Stage[] = nat.length === 0 ? [] : [{ kind: 'nat', hook, places: nat.map(place) }]
  return [...before.map(chain), ...group, ...others.slice(before.length).map(chain)]
}
