/**
 * Values of set keys and data as the kernel compares them: each field padded to whole words, addresses and ports in network
 * order, marks and numgen's numbers in the host's. This is the hot path of a full load, hence the hand-written readers for
 * the common spellings; anything unusual goes through `parseValue`.
 */
import { SignalboxError } from '#lib'
import { parseValue, VALUE_WIDTHS, type ValueType } from '#rulesets/nftables'

import { readIpv6 } from './ipv6-words.ts'
import { swap } from './message-writer.ts'

const ipv6 = new Uint32Array(4)
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 }

/** In words. */
export function widthOf(type: ValueType): number {
  return (VALUE_WIDTHS[type] + 3) >> 2
}

/** Bytes of a key or data of these types: a lone field has its own length, in a concatenation each is padded. */
export function lengthOf(types: readonly ValueType[]): number {
  const [only] = types
  if (only !== undefined && types.length === 1) return VALUE_WIDTHS[only]
  return types.reduce((sum, type) => sum + 4 * widthOf(type), 0)
}

/** Writes one value and returns the place behind it. @throws SBX_NFT_REJECTED if the text is none of the type. */
export function writeField(type: ValueType, text: string, to: { readonly words: Uint32Array; at: number }): void {
  const { words, at } = to
  switch (type) {
    case 'ipv4_addr': {
      const address = readIpv4(text)
      if (address < 0) break
      words[at] = address
      to.at = at + 1
      return
    }
    case 'ipv6_addr': {
      if (!readIpv6(text, ipv6)) break
      for (let word = 0; word < 4; word += 1) words[at + word] = swap(ipv6[word] ?? 0)
      to.at = at + 4
      return
    }
    case 'inet_service': {
      const port = readDecimal(text)
      if (port < 0 || port > 65_535) break
      words[at] = (port >> 8) | ((port & 0xff) << 8)
      to.at = at + 1
      return
    }
    case 'inet_proto': {
      const protocol = PROTOCOLS[text]
      if (protocol === undefined) break
      words[at] = protocol
      to.at = at + 1
      return
    }
    case 'integer': {
      const number = readDecimal(text)
      if (number < 0) break
      words[at] = number
      to.at = at + 1
      return
    }
    case 'mark':
    case 'ifname':
    case 'nf_proto':
    case 'ct_state':
    case 'ct_status':
    case 'ct_dir':
    case 'fib_addrtype':
      break
  }
  const value = parseValue(type, text)
  if (value === undefined) {
    throw new SignalboxError('SBX_NFT_REJECTED', `${text.slice(0, 80)} is no value of type ${type}`, {
      facts: { value: text.slice(0, 80), type },
    })
  }
  writeNumber(type, value, to)
}

export function writeNumber(type: ValueType, value: bigint, to: { readonly words: Uint32Array; at: number }): void {
  const { words, at } = to
  to.at = at + widthOf(type)
  if (type === 'ipv6_addr' || type === 'ifname') {
    for (let index = 0; index < 4; index += 1) {
      words[at + index] = swap(Number((value >> BigInt(96 - 32 * index)) & 0xffffffffn))
    }
  } else if (type === 'ipv4_addr') words[at] = swap(Number(value))
  else if (type === 'inet_service') words[at] = swap(Number(value)) >>> 16
  else words[at] = Number(value)
}

/** A lone value as bytes, for expressions. */
export function encodeNumber(type: ValueType, value: bigint): Uint8Array {
  const words = new Uint32Array(widthOf(type))
  writeNumber(type, value, { words, at: 0 })
  return new Uint8Array(words.buffer, 0, VALUE_WIDTHS[type])
}

/** Already in network order; negative if it is not the plain dotted form. */
function readIpv4(text: string): number {
  let address = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === 46) {
      if (digits === 0 || part > 255 || dots === 3) return -1
      address |= part << (8 * dots)
      dots += 1
      part = 0
      digits = 0
    } else if (code >= 48 && code <= 57 && digits < 3) {
      part = part * 10 + code - 48
      digits += 1
    } else return -1
  }
  if (dots !== 3 || digits === 0 || part > 255) return -1
  return (address | (part << 24)) >>> 0
}

function readDecimal(text: string): number {
  if (text.length === 0 || text.length > 9) return -1
  let value = 0
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
