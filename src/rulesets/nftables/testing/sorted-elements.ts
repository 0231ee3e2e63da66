/** Tables in one order of elements: the kernel lists those of a hash table as it likes. */
import type { NftElement, NftTable } from '../ast.ts'
import { normalizeTable } from '../normalize.ts'

export function sortedElements(table: NftTable): NftTable {
  const { sets, chains, ...rest } = normalizeTable(table)
  const key = ({ key: fields }: NftElement): string => fields.join(' . ')
  const sorted = [...sets].map(([name, set]) => {
    const elements = set.elements.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    return [name, { ...set, elements }] as const
  })
  return { ...rest, sets: new Map(sorted), chains }
}
