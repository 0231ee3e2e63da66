/** Elements of sets and maps in nft's words. */
import type { NftElement, NftVerdict } from './ast.ts'
import type { ValueType } from './fields.ts'
import { printDuration, printQuoted } from './words.ts'

/** `dataTypes` only matters for interface names, which are quoted. */
export function printElement(
  element: NftElement,
  keyTypes: readonly ValueType[],
  dataTypes: readonly ValueType[] = [],
): string {
  const { key, data, timeout, expires, comment } = element
  const words = [key.map((value, at) => printField(keyTypes[at], value)).join(' . ')]
  if (timeout !== undefined) words.push(`timeout ${printDuration(timeout)}`)
  if (expires !== undefined) words.push(`expires ${printDuration(expires)}`)
  if (comment !== undefined) words.push(`comment ${printQuoted(comment)}`)
  if (data === undefined) return words.join(' ')
  const value =
    'verdict' in data ? printVerdict(data) : data.map((text, at) => printField(dataTypes[at], text)).join(' . ')
  return `${words.join(' ')} : ${value}`
}

/** How an element is named in messages: its key alone. */
export function printElementKey(element: NftElement): string {
  return element.key.join(' . ')
}

export function printVerdict(verdict: NftVerdict): string {
  return 'chain' in verdict ? `${verdict.verdict} ${verdict.chain}` : verdict.verdict
}

export function printField(type: ValueType | undefined, value: string): string {
  return type === 'ifname' ? printQuoted(value) : value
}
