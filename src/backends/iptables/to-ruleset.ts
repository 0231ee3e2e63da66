/** The program as the ruleset a virgin host would hold after it: for `render`, `evaluate`, and comparison. */
import type { Chain, Rule, Ruleset, Table } from '#rulesets/iptables'
import { printIptablesSave } from '#rulesets/iptables'
import type { TableName } from './names.ts'
import type { Program } from './program.ts'
import { sharedChains } from './shared-entries.ts'

const BUILT_IN: Readonly<Record<TableName, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
}

export function toRuleset(program: Program): Ruleset {
  const tables = new Map<string, Table>()
  const shared = sharedChains(program)
  for (const table of ['filter', 'nat'] as const) {
    const own = new Map<string, readonly Rule[]>()
    for (const { chain, items, tail, ...at } of shared) {
      if (at.table === table) own.set(chain, [...items.map(({ rule }) => rule), ...tail])
    }
    for (const chain of program.static.chains) if (chain.table === table) own.set(chain.chain, chain.rules)
    if (table === 'nat') {
      for (const fragment of program.services.values()) {
        for (const [chain, rules] of fragment.chains) own.set(chain, rules)
      }
    }
    const chains = new Map<string, Chain>()
    for (const name of BUILT_IN[table]) {
      // Each jump is inserted at the top, so the last one ensured comes first.
      const jumps = program.static.jumps.filter((jump) => jump.table === table && jump.chain === name)
      chains.set(name, { name, policy: 'ACCEPT', rules: jumps.map(({ rule }) => rule).reverse() })
    }
    for (const name of [...own.keys()].sort()) chains.set(name, { name, rules: own.get(name) ?? [] })
    tables.set(table, { name: table, chains })
  }
  return { family: program.family, tables }
}

/** The same as text that `iptables-restore` reads. */
export function printProgram(program: Program): string {
  return printIptablesSave(toRuleset(program))
}
