/** The state behind the fake: tables of chains that may be changed, and what the kernel knows of how they hang together. */
import type { Family } from '#lib'
import type { Rule, Ruleset } from '#rulesets/iptables'

export type FakeChain = { readonly policy?: 'ACCEPT' | 'DROP'; readonly rules: Rule[] }

export type FakeTable = Map<string, FakeChain>

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
}

export function emptyTables(): Map<string, FakeTable> {
  return new Map(
    Object.entries(BUILT_IN).map(([table, chains]) => [
      table,
      new Map(chains.map((name): [string, FakeChain] => [name, { policy: 'ACCEPT', rules: [] }])),
    ]),
  )
}

/** Built-in chains first, the others by name, as iptables-save lists them. */
export function toRuleset(tables: ReadonlyMap<string, FakeTable>, family: Family): Ruleset {
  const counters = { packets: 0n, bytes: 0n }
  return {
    family,
    tables: new Map(
      [...tables].map(([name, table]) => {
        const own = [...table.keys()].filter((chain) => table.get(chain)?.policy === undefined).sort()
        const names = [...(BUILT_IN[name] ?? []), ...own]
        const chains = names.map((chain) => {
          const held = table.get(chain)
          const policy = held?.policy === undefined ? {} : { policy: held.policy }
          return [chain, { name: chain, ...policy, counters, rules: [...(held?.rules ?? [])] }] as const
        })
        return [name, { name, chains: new Map(chains) }]
      }),
    ),
  }
}

export function isReferenced(table: FakeTable, name: string): boolean {
  return [...table.values()].some((chain) => jumpsOf(chain).includes(name))
}

/** The built-in chain from which a packet could run in circles, if there is one. */
export function findLoop(table: FakeTable): string | undefined {
  const safe = new Set<string>()
  const loops = (name: string, path: ReadonlySet<string>): boolean => {
    if (path.has(name)) return true
    const chain = table.get(name)
    if (safe.has(name) || chain === undefined) return false
    const here = new Set([...path, name])
    if (jumpsOf(chain).some((next) => loops(next, here))) return true
    safe.add(name)
    return false
  }
  return [...table].find(([name, chain]) => chain.policy !== undefined && loops(name, new Set()))?.[0]
}

function jumpsOf(chain: FakeChain): string[] {
  return chain.rules.flatMap(({ target }) => (target?.kind === 'jump' || target?.kind === 'goto' ? [target.chain] : []))
}
