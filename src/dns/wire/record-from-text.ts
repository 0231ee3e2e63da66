/** One record from master-file text, `name ttl IN TYPE data`, of the types people write by hand. */
import { canonicalAddress } from '#lib'
import { addressBytes } from './address-bytes.ts'
import { CLASS, TYPE, typeFromName } from './codes.ts'
import type { RecordData, ResourceRecord } from './message.ts'
import type { Name } from './name.ts'
import { nameFromText } from './name.ts'

/** Undefined: not a record, or of a type that is not known here. */
export function recordFromText(text: string): ResourceRecord | undefined {
  const tokens = [...text.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(
    ([all, quoted]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? all,
  )
  const name = nameFromText(tokens.shift() ?? '')
  if (name === undefined) return undefined
  const ttl = /^\d+$/.test(tokens[0] ?? '') ? Number(tokens.shift()) : 0
  if (tokens[0]?.toUpperCase() === 'IN') tokens.shift()
  const type = typeFromName(tokens.shift() ?? '')
  const data = type === undefined ? undefined : dataFromTokens(type, tokens)
  if (type === undefined || data === undefined || ttl > 0x7fffffff) return undefined
  return { name, type, class: CLASS.IN, ttl, data }
}

function dataFromTokens(type: number, tokens: readonly string[]): RecordData | undefined {
  const [first = '', second = '', third = '', fourth = ''] = tokens
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA: {
      const address = canonicalAddress(first)
      const fits = address !== undefined && address.includes(':') === (type === TYPE.AAAA)
      return fits && tokens.length === 1 ? { kind: 'address', bytes: addressBytes(address) } : undefined
    }
    case TYPE.CNAME:
    case TYPE.NS:
    case TYPE.PTR:
    case TYPE.DNAME:
      return withName(first, (target) => ({ kind: 'name', target }))
    case TYPE.MX: {
      const preference = uint(first, 0xffff)
      return preference === undefined ? undefined : withName(second, (target) => ({ kind: 'mx', preference, target }))
    }
    case TYPE.SRV: {
      const [priority, weight, port] = [first, second, third].map((text) => uint(text, 0xffff))
      if (priority === undefined || weight === undefined || port === undefined) return undefined
      return withName(fourth, (target) => ({ kind: 'srv', priority, weight, port, target }))
    }
    case TYPE.TXT: {
      const strings = tokens.map((token) => Buffer.from(token, 'latin1'))
      return strings.length > 0 && strings.every((bytes) => bytes.length <= 255) ? { kind: 'txt', strings } : undefined
    }
    case TYPE.SOA:
      return soaFromTokens(tokens)
    default:
      return undefined
  }
}

function soaFromTokens(tokens: readonly string[]): RecordData | undefined {
  // Parentheses only keep lines together.
  const [mnameText = '', rnameText = '', ...numbers] = tokens.filter((token) => token !== '(' && token !== ')')
  const mname = nameFromText(mnameText)
  const rname = nameFromText(rnameText)
  const [serial, refresh, retry, expire, minimum] = numbers.map((text) => uint(text, 0xffffffff))
  if (mname === undefined || rname === undefined || serial === undefined || refresh === undefined) return undefined
  if (retry === undefined || expire === undefined || minimum === undefined) return undefined
  return { kind: 'soa', mname, rname, serial, refresh, retry, expire, minimum }
}

function withName(text: string, make: (target: Name) => RecordData): RecordData | undefined {
  const target = nameFromText(text)
  return target === undefined ? undefined : make(target)
}

function uint(text: string, max: number): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= max ? Number(text) : undefined
}
