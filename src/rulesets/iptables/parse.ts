/**
 * `iptables-save` output, with or without counters, as a value. Never throws on what it reads: a line that is no rule is a
 * problem with its number, a match or target it has no name for is kept as it is (`kind: 'other'`).
 */
import type { Family } from '#lib'

import type { Chain, Counters, Rule, Ruleset, Table } from './ast.ts'
import { parseRule } from './parse-rule.ts'
import { tokenize } from './tokenize.ts'

export type ParseProblem = {
  /** One-based. */
  readonly line: number
  readonly text: string
  readonly message: string
}

export type ParsedRuleset = { readonly ruleset: Ruleset; readonly problems: readonly ParseProblem[] }

type OpenChain = Omit<Chain, 'rules'> & { readonly rules: Rule[] }
type OpenTable = { readonly name: string; readonly chains: Map<string, OpenChain> }

export function parseIptablesSave(text: string, family: Family): ParsedRuleset {
  const tables = new Map<string, OpenTable>()
  const problems: ParseProblem[] = []
  let table: OpenTable | undefined
  for (const [at, line] of text.split('\n').entries()) {
    const content = line.replace(/\r$/, '').trim()
    const problem = (message: string): void => void problems.push({ line: at + 1, text: content, message })
    if (content === '') continue
    if (content.startsWith('#')) {
      // iptables-save names a table that has nft rules it cannot express; its rules are then not in the text at all.
      if (/is incompatible, use 'nft' tool/.test(content)) problem('the table has rules that iptables cannot show')
    } else if (content.startsWith('*')) {
      const name = content.slice(1)
      table = tables.get(name) ?? { name, chains: new Map() }
      tables.set(name, table)
    } else if (content === 'COMMIT') {
      table = undefined
    } else if (table === undefined) {
      problem('no table is open')
    } else {
      const message = content.startsWith(':') ? addChain(table, content) : addRule(table, content, family)
      if (message !== undefined) problem(message)
    }
  }
  return { ruleset: { family, tables: tables satisfies Map<string, Table> }, problems }
}

/** Both return what is wrong, if anything. */
function addChain(table: OpenTable, line: string): string | undefined {
  const parts = /^:(\S+) (ACCEPT|DROP|-)(?: \[(\d+):(\d+)\])?$/.exec(line)
  if (parts === null) return 'not a chain declaration'
  const [, name = '', policy, packets, bytes] = parts
  const counters = packets === undefined || bytes === undefined ? undefined : toCounters(packets, bytes)
  table.chains.set(name, {
    name,
    ...(policy === 'ACCEPT' || policy === 'DROP' ? { policy } : {}),
    ...(counters === undefined ? {} : { counters }),
    rules: table.chains.get(name)?.rules ?? [],
  })
  return undefined
}

function addRule(table: OpenTable, line: string, family: Family): string | undefined {
  const parts = /^(?:\[(\d+):(\d+)\] )?(?:-A|--append) (\S+)(?: (.*))?$/.exec(line)
  if (parts === null) return 'not a rule to append'
  const [, packets, bytes, chainName = '', specification = ''] = parts
  const chain = table.chains.get(chainName)
  if (chain === undefined) return `chain ${chainName} is not declared`
  const words = tokenize(specification)
  if (words === undefined) return 'a quote is not closed'
  const { rule, problem } = parseRule(words, { family, isChain: (name) => table.chains.has(name) })
  if (problem !== undefined) return problem
  const counted = packets !== undefined && bytes !== undefined ? { counters: toCounters(packets, bytes) } : {}
  chain.rules.push({ ...rule, ...counted })
  return undefined
}

function toCounters(packets: string, bytes: string): Counters {
  return { packets: BigInt(packets), bytes: BigInt(bytes) }
}
