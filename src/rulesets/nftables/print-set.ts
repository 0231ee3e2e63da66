/** Sets and maps in nft's words. */
import type { NftSet } from './ast.ts'
import { printElement } from './print-element.ts'
import { printKey } from './print-statement.ts'
import { printDuration, printQuoted } from './words.ts'

const BETWEEN_ELEMENTS = ',\n\t\t\t     '

export function printSet(set: NftSet): string {
  const lines = [...printProperties(set)]
  if (set.elements.length > 0) {
    const data = set.data === 'verdict' ? undefined : set.data
    const elements = set.elements.map((element) => printElement(element, set.key, data))
    lines.push(`elements = { ${elements.join(BETWEEN_ELEMENTS)} }`)
  }
  const body = lines.map((line) => `\t\t${line}\n`).join('')
  return `\t${set.data === undefined ? 'set' : 'map'} ${set.name} {\n${body}\t}\n`
}

function* printProperties(set: NftSet): Generator<string> {
  yield printTypes(set)
  if (set.size !== undefined) yield `size ${set.size}`
  if (set.flags !== undefined && set.flags.length > 0) yield `flags ${set.flags.join(',')}`
  if (set.timeout !== undefined) yield `timeout ${printDuration(set.timeout)}`
  yield* set.others ?? []
  if (set.comment !== undefined) yield `comment ${printQuoted(set.comment)}`
}

function printTypes(set: NftSet): string {
  const data = set.data === 'verdict' ? 'verdict' : set.data?.join(' . ')
  const behind = data === undefined ? '' : ` : ${set.typeof?.data?.join(' . ') ?? data}`
  return set.typeof === undefined
    ? `type ${set.key.join(' . ')}${behind}`
    : `typeof ${printKey(set.typeof.key)}${behind}`
}
