/** Whether two values are the same to the kernel, and what takes one list of items to another. */
import type { Family } from '#lib'
import type { NftElement, NftRule, NftSetHeader } from '#rulesets/nftables'
import { normalizeRule, printRule } from '#rulesets/nftables'
import type { TransactionDraft } from './draft-transaction.ts'
import { nftFamily } from './names.ts'
import type { Item } from './program.ts'
import { sharedSet } from './sets.ts'

export function keyOf(element: NftElement): string {
  return element.key.join(' ')
}

export function sameElement(a: NftElement, b: NftElement): boolean {
  return a === b || (a.comment === b.comment && dataOf(a) === dataOf(b) && keyOf(a) === keyOf(b))
}

function dataOf({ data }: NftElement): string {
  if (data === undefined) return ''
  if (!('verdict' in data)) return data.join(' ')
  return 'chain' in data ? `${data.verdict} ${data.chain}` : data.verdict
}

export function sameRules(a: readonly NftRule[], b: readonly NftRule[], family: Family): boolean {
  if (a === b) return true
  const text = (rule: NftRule): string => printRule(normalizeRule(rule), nftFamily(family))
  return a.length === b.length && a.every((rule, at) => text(rule) === text(b[at] ?? { statements: [] }))
}

/** Comments aside: they cannot be changed in place, and nothing depends on them. */
export function sameSet(a: NftSetHeader, b: NftSetHeader): boolean {
  const text = ({ key, data, flags, timeout, size }: NftSetHeader): string =>
    JSON.stringify([key, data ?? null, [...(flags ?? [])].sort(), timeout ?? 0, size ?? 0])
  return a === b || text(a) === text(b)
}

/** Puts into the draft what changes if `before` stood somewhere and now `after` does. */
export function changeItems(
  draft: TransactionDraft,
  family: Family,
  { before, after }: { readonly before: readonly Item[]; readonly after: readonly Item[] },
): boolean {
  const known = new Map(before.map((item) => [nameOf(item), item]))
  let changed = false
  for (const item of after) {
    const name = nameOf(item)
    const old = known.get(name)
    known.delete(name)
    if (old !== undefined && sameItem(old, item, family)) continue
    changed = true
    if (item.kind === 'chain') draft.fillChain(item.name, item.rules)
    else if (item.kind === 'set') draft.createSet(item.set)
    else draft.put(sharedSet(family, item.set), item.element, old?.kind === 'element' ? old.element : undefined)
  }
  for (const item of known.values()) {
    changed = true
    if (item.kind === 'chain') draft.dropChain(item.name)
    else if (item.kind === 'set') draft.dropSet(item.set.name)
    else draft.take(sharedSet(family, item.set), item.element)
  }
  return changed
}

function nameOf(item: Item): string {
  switch (item.kind) {
    case 'element':
      return `${item.set} ${keyOf(item.element)}`
    case 'chain':
      return `chain ${item.name}`
    case 'set':
      return `set ${item.set.name}`
  }
}

function sameItem(a: Item, b: Item, family: Family): boolean {
  if (a.kind === 'element' && b.kind === 'element') return sameElement(a.element, b.element)
  if (a.kind === 'chain' && b.kind === 'chain') return sameRules(a.rules, b.rules, family)
  return a.kind === 'set' && b.kind === 'set' && sameSet(a.set, b.set)
}
