/**
 * A ruleset as text, in the form `nft list ruleset` prints and `nft -f` reads: equal to what nft 1.0.6 prints for it except
 * that each element of a set has a line of its own. Authority: print.kernel.test.ts, which asks nft.
 */
import type { NftChain, NftRuleset, NftTable } from './ast.ts'
import { printRule } from './print-statement.ts'
import { printSet } from './print-set.ts'
import { printPriority, printQuoted } from './words.ts'

export function printNftRuleset(ruleset: NftRuleset): string {
  return ruleset.tables.map(printNftTable).join('')
}

export function printNftTable(table: NftTable): string {
  const lines = table.comment === undefined ? [] : [`comment ${printQuoted(table.comment)}`]
  const head = [...lines, ...(table.others ?? [])].map((line) => `\t${line}\n`).join('')
  const objects = [
    ...[...table.sets.values()].map(printSet),
    ...[...table.chains.values()].map((chain) => printChain(chain, table)),
  ]
  return `table ${table.family} ${table.name} {\n${head}${objects.join('\n')}}\n`
}

function printChain(chain: NftChain, table: NftTable): string {
  const lines = chain.comment === undefined ? [] : [`comment ${printQuoted(chain.comment)}`]
  if (chain.base !== undefined) {
    const { type, hook, priority, policy } = chain.base
    lines.push(`type ${type} hook ${hook} priority ${printPriority(priority, hook)}; policy ${policy};`)
  }
  for (const rule of chain.rules) lines.push(printRule(rule, table.family))
  return `\tchain ${chain.name} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`
}
