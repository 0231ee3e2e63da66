/** The few expressions that everything else is made of (nf_tables' payload, meta, ct, bitwise, cmp, immediate, verdicts). */
import type { NftKeyPart, NftVerdict } from '#rulesets/nftables'
import { typeOf } from '#rulesets/nftables'

import { encodeNumber, widthOf } from './encode-values.ts'
import { loadField } from './field-numbers.ts'
import type { MessageWriter } from './message-writer.ts'
import { DATA, EXPRESSION, LIST_ELEMENT, VERDICT, VERDICT_CODES } from './nft-constants.ts'

/** Of a key's field that begins `words` words behind the first. */
export function register(words: number): number {
  return words === 0 ? 1 : 8 + words
}

export function expression(writer: MessageWriter, name: string, fill: () => void): void {
  const element = writer.beginNest(LIST_ELEMENT)
  writer.text(EXPRESSION.name, name)
  const data = writer.beginNest(EXPRESSION.data)
  fill()
  writer.endNest(data)
  writer.endNest(element)
}

export function writeData(writer: MessageWriter, type: number, value: Uint8Array): void {
  const nest = writer.beginNest(type)
  writer.bytes(DATA.value, value)
  writer.endNest(nest)
}

export function writeVerdict(writer: MessageWriter, type: number, verdict: NftVerdict): void {
  const data = writer.beginNest(type)
  const nest = writer.beginNest(DATA.verdict)
  writer.u32(VERDICT.code, VERDICT_CODES[verdict.verdict])
  if ('chain' in verdict) writer.text(VERDICT.chain, verdict.chain)
  writer.endNest(nest)
  writer.endNest(data)
}

/** `length`: only so many of a payload's bytes. */
export function load(
  writer: MessageWriter,
  part: NftKeyPart,
  { word = 0, length }: { readonly word?: number; readonly length?: number } = {},
): void {
  const numbers = loadField(part)
  expression(writer, numbers.expression, () => {
    writer.u32(1, register(word))
    for (const [attribute, value] of numbers.attributes) {
      const shortened = numbers.expression === 'payload' && attribute === 4 ? (length ?? value) : value
      writer.u32(attribute, shortened)
    }
  })
}

export function loadKey(key: readonly NftKeyPart[], writer: MessageWriter): void {
  let word = 0
  for (const part of key) {
    load(writer, part, { word })
    word += widthOf(typeOf(part))
  }
}

export function bitwise(writer: MessageWriter, { mask, xor }: { readonly mask: number; readonly xor: number }): void {
  expression(writer, 'bitwise', () => {
    writer.u32(1, 1)
    writer.u32(2, 1)
    writer.u32(3, 4)
    writeData(writer, 4, encodeNumber('mark', BigInt(mask >>> 0)))
    writeData(writer, 5, encodeNumber('mark', BigInt(xor >>> 0)))
  })
}

export function compare(writer: MessageWriter, operator: number, value: Uint8Array): void {
  expression(writer, 'cmp', () => {
    writer.u32(1, 1)
    writer.u32(2, operator)
    writeData(writer, 3, value)
  })
}

export function immediate(writer: MessageWriter, into: number, value: Uint8Array): void {
  expression(writer, 'immediate', () => {
    writer.u32(1, into)
    writeData(writer, 2, value)
  })
}
