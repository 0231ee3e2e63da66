/**
 * Where a service's rules go in the chains that all services share. The only place that knows: today the chains are flat
 * and a new entry goes to the top, so that the node-port jump stays last without anyone counting rules.
 */
import type { Rule } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { TableName } from './names.ts'
import type { ChainAddress, Entry, Program } from './program.ts'

export type PrintedEntry = ChainAddress & { readonly text: string }

export function printEntry({ table, chain, rule }: Entry): PrintedEntry {
  return { table, chain, text: printRule(rule) }
}

/** Lines that put entries of one service in place; the last inserted comes first, hence reversed. */
export function insertLines(entries: readonly PrintedEntry[]): string[] {
  return entries.map(({ chain, text }) => `-I ${chain} ${text}`).reverse()
}

/** Lines that take entries out again, wherever in their chain they are. */
export function deleteLines(entries: readonly PrintedEntry[]): string[] {
  return entries.map(({ chain, text }) => `-D ${chain} ${text}`)
}

/** What a shared chain holds after a fresh render: the entries in order of service keys, then the tail. */
export function sharedChainRules(program: Program): ReadonlyMap<TableName, ReadonlyMap<string, readonly Rule[]>> {
  const tables = new Map<TableName, Map<string, Rule[]>>([
    ['filter', new Map()],
    ['nat', new Map()],
  ])
  for (const { table, chain } of program.static.shared) tables.get(table)?.set(chain, [])
  for (const key of [...program.services.keys()].sort()) {
    for (const { table, chain, rule } of program.services.get(key)?.entries ?? []) {
      tables.get(table)?.get(chain)?.push(rule)
    }
  }
  for (const { table, chain, tail } of program.static.shared)
    tables
      .get(table)
      ?.get(chain)
      ?.push(...tail)
  return tables
}
