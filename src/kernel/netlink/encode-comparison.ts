/** `FIELD [!=] VALUE` as expressions, in the forms nft chooses: whole values, prefixes, ranges, bits, leading bytes. */
import { SignalboxError } from '#lib'
import type { NftStatement } from '#rulesets/nftables'
import { parseInterval, parseValue, prefixHostBits, typeOf, VALUE_WIDTHS } from '#rulesets/nftables'

import { encodeNumber } from './encode-values.ts'
import type { MessageWriter } from './message-writer.ts'
import { bitwise, compare, expression, load, writeData } from './write-expression.ts'

const OPERATOR = { equal: 0, notEqual: 1, lessOrEqual: 3, greaterOrEqual: 5 } as const
const RANGE_NOT_EQUAL = 1
const HTON = 1

export function encodeComparison(statement: NftStatement & { readonly kind: 'match' }, writer: MessageWriter): void {
  const { field, value } = statement
  const type = typeOf(field)
  const operator = statement.negated === true ? OPERATOR.notEqual : OPERATOR.equal
  const exact = parseValue(type, value)
  if (exact !== undefined && (type === 'ct_state' || type === 'ct_status')) {
    if (statement.negated === true && value.includes(',')) {
      // nft means by it "not exactly these bits", which no packet is; `ct state != { … }` says what was meant.
      throw new SignalboxError('SBX_NFT_REJECTED', `${field as string} != ${value}: a set is needed`)
    }
    load(writer, field)
    // A single bit that must not be the state is compared as a whole, as nft does.
    if (statement.negated === true) {
      compare(writer, OPERATOR.notEqual, encodeNumber(type, exact))
      return
    }
    bitwise(writer, { mask: Number(exact), xor: 0 })
    compare(writer, OPERATOR.notEqual, encodeNumber(type, 0n))
    return
  }
  if (exact !== undefined) {
    load(writer, field)
    compare(writer, operator, encodeNumber(type, exact))
    return
  }
  const interval = parseInterval(type, value)
  if (interval === undefined) {
    throw new SignalboxError('SBX_NFT_REJECTED', `${value.slice(0, 80)} is nothing ${type} can be compared with`)
  }
  if (type === 'ifname') {
    load(writer, field)
    compare(writer, operator, Buffer.from(value.slice(0, -1)))
    return
  }
  const hostBits = value.includes('/') ? prefixHostBits(interval) : undefined
  const bytes = { from: encodeNumber(type, interval.from), to: encodeNumber(type, interval.to) }
  if (hostBits !== undefined) {
    comparePrefix(statement, { writer, operator, network: bytes.from, hostBits })
    return
  }
  load(writer, field)
  // The kernel compares bytes, so a number in host order is turned first.
  if (type === 'mark' || type === 'integer') {
    expression(writer, 'byteorder', () => {
      writer.u32(1, 1)
      writer.u32(2, 1)
      writer.u32(3, HTON)
      writer.u32(4, 4)
      writer.u32(5, 4)
    })
    bytes.from.reverse()
    bytes.to.reverse()
  }
  if (operator === OPERATOR.equal) {
    compare(writer, OPERATOR.greaterOrEqual, bytes.from)
    compare(writer, OPERATOR.lessOrEqual, bytes.to)
    return
  }
  expression(writer, 'range', () => {
    writer.u32(1, 1)
    writer.u32(2, RANGE_NOT_EQUAL)
    writeData(writer, 3, bytes.from)
    writeData(writer, 4, bytes.to)
  })
}

type Prefix = {
  readonly writer: MessageWriter
  readonly operator: number
  readonly network: Uint8Array
  readonly hostBits: number
}

function comparePrefix({ field }: NftStatement & { readonly kind: 'match' }, prefix: Prefix): void {
  const { writer, operator, network, hostBits } = prefix
  const length = VALUE_WIDTHS[typeOf(field)] - hostBits / 8
  // On a byte boundary reading fewer bytes is enough.
  if (Number.isInteger(length) && length > 0) {
    load(writer, field, { length })
    compare(writer, operator, network.subarray(0, length))
    return
  }
  const mask = Buffer.alloc(network.length)
  for (let bit = 0; bit < network.length * 8 - hostBits; bit += 1) {
    mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  }
  load(writer, field)
  expression(writer, 'bitwise', () => {
    writer.u32(1, 1)
    writer.u32(2, 1)
    writer.u32(3, network.length)
    writeData(writer, 4, mask)
    writeData(writer, 5, Buffer.alloc(network.length))
  })
  compare(writer, operator, network)
}
