/** The program as the table a virgin host would hold after it: for `render`, `evaluate`, and comparison. */
import { compareText } from '#lib'
import type { NftChain, NftElement, NftSet, NftSetHeader, NftTable } from '#rulesets/nftables'
import { printNftTable } from '#rulesets/nftables'
import { nftFamily, TABLE, TABLE_COMMENT } from './names.ts'
import type { Owners } from './owners.ts'
import { itemsOf, ownersOf } from './owners.ts'
import type { Program } from './program.ts'

export function toTable(program: Program, owners: Owners = ownersOf(program.services)): NftTable {
  const shared = new Map<string, { readonly header: NftSetHeader; readonly elements: NftElement[] }>()
  for (const header of program.static.sets) shared.set(header.name, { header, elements: [] })
  for (const { set, element } of program.static.elements) shared.get(set)?.elements.push(element)
  const own: NftSet[] = []
  const chains: NftChain[] = []
  for (const claimants of owners.values()) {
    for (const item of itemsOf(claimants)) {
      if (item.kind === 'element') shared.get(item.set)?.elements.push(item.element)
      else if (item.kind === 'chain') chains.push({ name: item.name, rules: item.rules })
      else own.push({ ...item.set, elements: [] })
    }
  }
  const sets: NftSet[] = [
    ...[...shared.values()].map(({ header, elements }) => ({ ...header, elements })),
    ...own.sort((a, b) => compareText(a.name, b.name)),
  ]
  chains.sort((a, b) => compareText(a.name, b.name))
  return {
    family: nftFamily(program.family),
    name: TABLE,
    comment: TABLE_COMMENT,
    sets: new Map(sets.map((set) => [set.name, set])),
    chains: new Map([...program.static.chains, ...chains].map((chain) => [chain.name, chain])),
  }
}

/** The same as text that `nft -f` reads. */
export function printProgram(program: Program): string {
  return printNftTable(toTable(program))
}
