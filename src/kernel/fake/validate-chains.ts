/**
 * What the kernel checks of a table as a whole, from each base chain on: chains must not lead in circles or too deep, and translations and refusals are only
 * good where a packet can have come from a base chain of the right kind (nft_chain_validate).
 */
import type { NftBase, NftStatement } from '#rulesets/nftables'
import { lookupOf } from '#rulesets/nftables'

import { ERRNO } from '../netlink/errno.ts'
import { verdictsOf, type Errno, type FakeTable } from './nftables-table.ts'

/** NFT_JUMP_STACK_SIZE */
const DEEPEST = 16

export function validateChains(table: FakeTable): Errno {
  for (const [name, { header }] of table.chains) {
    if (header.base === undefined) continue
    const errno = follow(table, name, { base: header.base, depth: 0 })
    if (errno !== 0) return errno
  }
  return 0
}

function successors(table: FakeTable, name: string): readonly string[] {
  const targets: string[] = []
  for (const rule of table.chains.get(name)?.rules ?? []) {
    for (const verdict of verdictsOf(rule)) if ('chain' in verdict) targets.push(verdict.chain)
    for (const statement of rule.statements) {
      // Even a plain look into a verdict map counts as a way to its chains.
      const reference = lookupOf(statement)?.set
      if (reference === undefined || !('name' in reference)) continue
      for (const { data } of table.sets.get(reference.name)?.elements.values() ?? []) {
        if (data !== undefined && 'chain' in data) targets.push(data.chain)
      }
    }
  }
  return targets
}

function follow(table: FakeTable, name: string, at: { readonly base: NftBase; readonly depth: number }): Errno {
  if (at.depth > DEEPEST) return ERRNO.EMLINK
  for (const rule of table.chains.get(name)?.rules ?? []) {
    if (!rule.statements.every((statement) => fits(statement, at.base))) return ERRNO.EOPNOTSUPP
  }
  for (const next of successors(table, name)) {
    const errno = follow(table, next, { ...at, depth: at.depth + 1 })
    if (errno !== 0) return errno
  }
  return 0
}

function fits({ kind }: NftStatement, { type, hook }: NftBase): boolean {
  if (kind === 'dnat' || kind === 'redirect') return type === 'nat' && /^(?:prerouting|output)$/.test(hook)
  if (kind === 'snat') return type === 'nat' && /^(?:postrouting|input)$/.test(hook)
  if (kind === 'masquerade') return type === 'nat' && hook === 'postrouting'
  return kind !== 'reject' || hook !== 'postrouting'
}
