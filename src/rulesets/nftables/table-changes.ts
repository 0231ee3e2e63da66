/** A whole table as the changes that create it. */
import type { NftChange, NftTable } from './ast.ts'

/**
 * In the order the kernel needs: chains before the maps that lead to them, sets and elements before the rules that look
 * into them.
 */
export function createTableChanges(table: NftTable): readonly NftChange[] {
  const changes: NftChange[] = [
    { change: 'add-table', ...(table.comment === undefined ? {} : { comment: table.comment }) },
  ]
  for (const { rules: _, ...chain } of table.chains.values()) changes.push({ change: 'add-chain', chain })
  for (const { elements, others: _, ...set } of table.sets.values()) {
    changes.push({ change: 'add-set', set })
    if (elements.length > 0) changes.push({ change: 'add-elements', set, elements })
  }
  for (const chain of table.chains.values()) {
    for (const rule of chain.rules) changes.push({ change: 'add-rule', chain: chain.name, rule })
  }
  return changes
}
