/**
 * How live rules differ from the program, chain by chain. Only chains that are ours are judged, and in built-in chains
 * only our jumps: what other programs keep beside them is theirs.
 *
 * Entries of different services in a shared chain may stand in any order; everything else is compared in order.
 */
import type { Chain, Rule, Ruleset } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { TableName } from './names.ts'
import { isServiceChain } from './names.ts'
import type { Program } from './program.ts'
import { sharedChainRules } from './shared-entries.ts'

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
  const wantedChains = new Set<string>()
  for (const fragment of program.services.values()) {
    for (const [chain, rules] of fragment.chains) {
      wantedChains.add(chain)
      compare('nat', chain, rules)
    }
  }
  for (const chain of live.tables.get('nat')?.chains.keys() ?? []) {
    if (isServiceChain(chain) && !wantedChains.has(chain)) drift.push({ kind: 'stale-chain', table: 'nat', chain })
  }
  drift.push(...sharedDrift(live, program), ...jumpDrift(live, program))
  return drift
}

function sharedDrift(live: Ruleset, program: Program): Drift[] {
  const wanted = sharedChainRules(program)
  return program.static.shared.flatMap(({ table, chain, tail }): Drift[] => {
    const rules = (wanted.get(table)?.get(chain) ?? []).map(printRule)
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
    return missing.length + extra.length === 0 ? [] : [{ kind: 'changed-entries', table, chain, missing, extra }]
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
