/**
 * Values as nft spells them, and the numbers they stand for. Numbers order as the kernel compares them, so that ranges and
 * prefixes are intervals of numbers. Interface names are ordered as their 16 bytes.
 */
import { addressToNumber, numberToAddress, parseCidr } from '#lib'

import { VALUE_WIDTHS, type ValueType } from './fields.ts'

export type Interval = { readonly from: bigint; readonly to: bigint }

type Names = Readonly<Record<string, number>>

/** Those a service proxy meets; any other protocol is a number, to nft too where its own list has no name. */
const PROTOCOLS: Names = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  sctp: 132,
  udplite: 136,
}
const NAMES: Partial<Readonly<Record<ValueType, Names>>> = {
  inet_proto: PROTOCOLS,
  nf_proto: { ipv4: 2, ipv6: 10 },
  ct_state: { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 },
  ct_status: {
    expected: 1,
    'seen-reply': 2,
    assured: 4,
    confirmed: 8,
    snat: 16,
    dnat: 32,
    dying: 512,
  },
  ct_dir: { original: 0, reply: 1 },
  fib_addrtype: {
    unspec: 0,
    unicast: 1,
    local: 2,
    broadcast: 3,
    anycast: 4,
    multicast: 5,
    blackhole: 6,
    unreachable: 7,
    prohibit: 8,
  },
}
const LONGEST_NAME = 15

/** A single value; bits joined by commas for `ct state` and `ct status`. `undefined`: not a value of that type. */
export function parseValue(type: ValueType, text: string): bigint | undefined {
  if (type === 'ipv4_addr' || type === 'ipv6_addr') {
    return text.includes(':') === (type === 'ipv6_addr') ? addressToNumber(text) : undefined
  }
  if (type === 'ifname') return nameToNumber(text)
  if (type === 'ct_state' || type === 'ct_status') return parseBits(NAMES[type] ?? {}, text)
  const named = NAMES[type]?.[text]
  return named === undefined ? parseNumber(text, VALUE_WIDTHS[type]) : BigInt(named)
}

export function printValue(type: ValueType, value: bigint): string {
  switch (type) {
    case 'ipv4_addr':
      return numberToAddress(value, 'IPv4')
    case 'ipv6_addr':
      return numberToAddress(value, 'IPv6')
    case 'ifname':
      return numberToName(value)
    case 'mark':
      return printMark(Number(value))
    case 'ct_state':
    case 'ct_status':
      return printBits(NAMES[type] ?? {}, value)
    case 'inet_service':
    case 'integer':
      return String(value)
    case 'inet_proto':
    case 'nf_proto':
    case 'ct_dir':
    case 'fib_addrtype': {
      const names = Object.entries(NAMES[type] ?? {})
      return names.find(([, number]) => BigInt(number) === value)?.[0] ?? String(value)
    }
  }
}

export function printMark(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`
}

/** What an element of a set or the right side of a match covers: a value, `FROM-TO`, `ADDRESS/LENGTH`, or `PREFIX*`. */
export function parseInterval(type: ValueType, text: string): Interval | undefined {
  const value = parseValue(type, text)
  if (value !== undefined) return { from: value, to: value }
  if (type === 'ifname') return text.endsWith('*') ? namesWith(text.slice(0, -1)) : undefined
  if (text.includes('/')) {
    const cidr = parseCidr(text)
    const fits = cidr !== undefined && (cidr.family === 'IPv6') === (type === 'ipv6_addr')
    return fits && /^ipv[46]_addr$/.test(type) ? { from: cidr.first, to: cidr.last } : undefined
  }
  const [from, to, ...rest] = text.split('-').map((part) => parseValue(type, part))
  return from === undefined || to === undefined || rest.length > 0 || from > to ? undefined : { from, to }
}

/** The shortest spelling, as nft prints it: a value, a prefix where it is one, else a range. */
export function printInterval(type: ValueType, { from, to }: Interval): string {
  if (from === to) return printValue(type, from)
  if (type === 'ifname') return `${numberToName(from)}*`
  const hostBits = prefixHostBits({ from, to })
  if (hostBits !== undefined && /^ipv[46]_addr$/.test(type)) {
    return `${printValue(type, from)}/${VALUE_WIDTHS[type] * 8 - hostBits}`
  }
  // `ipv6-icmp` has the dash in its name.
  return type === 'inet_proto' ? `${from}-${to}` : `${printValue(type, from)}-${printValue(type, to)}`
}

/** The number of free low bits if the interval is a prefix. */
export function prefixHostBits({ from, to }: Interval): number | undefined {
  const size = to - from + 1n
  const bits = size.toString(2).length - 1
  return size === 1n << BigInt(bits) && from % size === 0n ? bits : undefined
}

function parseNumber(text: string, width: number): bigint | undefined {
  if (!/^(?:\d{1,10}|0x[\da-f]{1,8})$/i.test(text)) return undefined
  const value = BigInt(text)
  return value < 1n << BigInt(8 * width) ? value : undefined
}

function parseBits(names: Names, text: string): bigint | undefined {
  let bits = 0n
  for (const word of text.split(',')) {
    const bit = names[word.trim()]
    if (bit === undefined) return undefined
    bits |= BigInt(bit)
  }
  return bits
}

function printBits(names: Names, value: bigint): string {
  const words = Object.entries(names).filter(([, bit]) => (value & BigInt(bit)) !== 0n)
  return words.map(([word]) => word).join(',')
}

function nameToNumber(text: string): bigint | undefined {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length === 0 || bytes.length > LONGEST_NAME || text.endsWith('*')) return undefined
  return BigInt(`0x${bytes.toString('hex').padEnd(32, '0')}`)
}

function namesWith(prefix: string): Interval | undefined {
  const from = nameToNumber(prefix)
  const length = Buffer.byteLength(prefix)
  return from === undefined ? undefined : { from, to: from | ((1n << BigInt(8 * (16 - length))) - 1n) }
}

function numberToName(value: bigint): string {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex').toString('utf8').replace(/\0.*$/s, '')
}
