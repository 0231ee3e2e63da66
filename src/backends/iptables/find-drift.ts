/**
 * How live rules differ from the program, chain by chain. Only chains that are ours are judged, and in built-in chains
 * only our jumps: what other programs keep beside them is theirs.
 *
 * Entries in a shared chain or in the tree below it may stand in any order; everything else is compared in order.
 */
import type { Chain, Rule, Ruleset } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { TableName } from './names.ts'
import { isServiceChain } from './names.ts'
import { isPrefixChain } from './prefix-chains.ts'
import type { Program } from './program.ts'
import type { SharedChainRules } from './shared-entries.ts'
import { sharedChains } from './shared-entries.ts'

export type Drift =
  /** A chain that should exist and does not. */
  | {
      readonly kind: 'missing-chain'
      readonly table: TableName
      readonly chain: string
      readonly rules: readonly string[]
    }
  /** A service chain that nothing should refer to. */
  | { readonly kind: 'stale-chain'; readonly table: TableName; readonly chain: string }
  | {
      readonly kind: 'changed-chain'
      readonly table: TableName
      readonly chain: string
      readonly rules: readonly string[]
    }
  /** A shared chain that only lacks or only has too much of some entries; its order is right. */
  | {
      readonly kind: 'changed-entries'
      readonly table: TableName
      readonly chain: string
      readonly missing: readonly string[]
      readonly extra: readonly string[]
    }
  | { readonly kind: 'missing-jump'; readonly table: TableName; readonly chain: string; readonly rule: string }

export function findDrift(live: Ruleset, program: Program): Drift[] {
  const drift: Drift[] = []
  const liveChain = (table: TableName, chain: string): Chain | undefined => live.tables.get(table)?.chains.get(chain)
  const compare = (table: TableName, chain: string, rules: readonly Rule[]): void => {
    const wanted = rules.map(printRule)
    const found = liveChain(table, chain)
    if (found === undefined) drift.push({ kind: 'missing-chain', table, chain, rules: wanted })
    else if (!sameLines(found.rules.map(printRule), wanted)) {
      drift.push({ kind: 'changed-chain', table, chain, rules: wanted })
    }
  }
  for (const { table, chain, rules } of program.static.chains) compare(table, chain, rules)
  const shared = sharedChains(program)
  const wantedChains = new Set(shared.map(({ table, chain }) => `${table} ${chain}`))
  for (const fragment of program.services.values()) {
    for (const [chain, rules] of fragment.chains) {
      wantedChains.add(`nat ${chain}`)
      compare('nat', chain, rules)
    }
  }
  for (const table of ['nat', 'filter'] as const) {
    for (const chain of live.tables.get(table)?.chains.keys() ?? []) {
      const ours = table === 'nat' ? isServiceChain(chain) : isPrefixChain(chain)
      if (ours && !wantedChains.has(`${table} ${chain}`)) drift.push({ kind: 'stale-chain', table, chain })
    }
  }
  for (const found of [...sharedDrift(live, shared), ...jumpDrift(live, program)]) drift.push(found)
  return drift
}

function sharedDrift(live: Ruleset, shared: readonly SharedChainRules[]): Drift[] {
  return shared.flatMap(({ table, chain, items, tail }): Drift[] => {
    const rules = [...items.map(({ text }) => text), ...tail.map(printRule)]
    const found = live.tables.get(table)?.chains.get(chain)
    if (found === undefined) return [{ kind: 'missing-chain', table, chain, rules }]
    const entries = rules.slice(0, rules.length - tail.length)
    const foundRules = found.rules.map(printRule)
    const foundEntries = foundRules.slice(0, Math.max(0, foundRules.length - tail.length))
    const foundTail = foundRules.slice(foundEntries.length)
    const wantedSet = new Set(entries)
    const foundSet = new Set(foundEntries)
    const missing = entries.filter((text) => !foundSet.has(text))
    const extra = foundEntries.filter((text) => !wantedSet.has(text))
    const inOrder = sameLines(foundTail, rules.slice(entries.length)) && foundSet.size === foundEntries.length
    if (!inOrder) return [{ kind: 'changed-chain', table, chain, rules }]
    if (missing.length + extra.length === 0) return []
    // Line by line while that is less than the chain, and while the tool can find what it is to delete: libxt_nfacct
    // prints a rule that cannot be given back to -D where the object is gone.
    const few = missing.length + extra.length < Math.max(rules.length, 8)
    const findable = !extra.some((text) => text.includes('-m nfacct'))
    return few && findable
      ? [{ kind: 'changed-entries', table, chain, missing, extra }]
      : [{ kind: 'changed-chain', table, chain, rules }]
  })
}

function jumpDrift(live: Ruleset, program: Program): Drift[] {
  return program.static.jumps.flatMap(({ table, chain, rule }): Drift[] => {
    const text = printRule(rule)
    const found = live.tables
      .get(table)
      ?.chains.get(chain)
      ?.rules.some((candidate) => printRule(candidate) === text)
    return found === true ? [] : [{ kind: 'missing-jump', table, chain, rule: text }]
  })
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index])
}
