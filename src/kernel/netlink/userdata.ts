/**
 * User data: bytes the kernel keeps for us unread, in the type-length-value form `nft` writes and reads (libnftnl udata.h,
 * nftables' mnl.c and expr_ops). It is what makes `nft list ruleset` print comments and `typeof` declarations.
 */
import { FIELDS, isDeclarable, typeOf } from '#rulesets/nftables'
import type { NftField, NftKeyPart, NftSetHeader, ValueType } from '#rulesets/nftables'

const COMMENT = 0
const SET = { keyOrder: 0, dataOrder: 1, keyTypeof: 3, dataTypeof: 4, dataInterval: 6, comment: 7 } as const
const EXPRESSION = { type: 0, data: 1 } as const
/** Kinds of expression a `typeof` is made of (nftables' enum expr_types). */
const KIND = { payload: 7, meta: 9, ct: 11, concatenation: 13, numgen: 23 } as const
const HEADER = { th: 11, ip: 12, ip6: 13 } as const
const FIELD_NUMBERS: Partial<Readonly<Record<NftField, readonly [number, number]>>> = {
  'ip saddr': [HEADER.ip, 11],
  'ip daddr': [HEADER.ip, 12],
  'ip6 saddr': [HEADER.ip6, 8],
  'ip6 daddr': [HEADER.ip6, 9],
  'th sport': [HEADER.th, 1],
  'th dport': [HEADER.th, 2],
}
const META_KEYS: Partial<Readonly<Record<NftField, number>>> = {
  'meta mark': 3,
  iifname: 6,
  oifname: 7,
  'meta l4proto': 16,
}
const NUMGEN_RANDOM = 1
/** What nft prints. */
const LONGEST_COMMENT = 127
/** What the kernel keeps (NFT_USERDATA_MAXLEN); a comment is cut to what the rest leaves of it. */
const LONGEST_USERDATA = 256

export function encodeComment(comment: string): Uint8Array {
  return item(COMMENT, commentText(comment))
}

export function encodeSetUserdata(set: Pick<NftSetHeader, 'typeof' | 'comment'> & SetTypes): Uint8Array {
  const items = [item(SET.keyOrder, u32(byteOrder(set.key)))]
  if (set.data !== undefined) items.push(item(SET.dataOrder, u32(set.data === 'verdict' ? 0 : byteOrder(set.data))))
  if (set.typeof !== undefined) {
    items.push(item(SET.keyTypeof, encodeKey(set.typeof.key)))
    if (set.typeof.data !== undefined) items.push(item(SET.dataTypeof, encodeKey(set.typeof.data)))
  }
  if (set.data !== undefined && set.data !== 'verdict') items.push(item(SET.dataInterval, u32(0)))
  if (set.comment !== undefined) {
    const left = LONGEST_USERDATA - items.reduce((sum, { length }) => sum + length, 0)
    items.push(item(SET.comment, commentText(set.comment, left - 3)))
  }
  return Buffer.concat(items)
}

export type SetTypes = { readonly key: readonly ValueType[]; readonly data?: 'verdict' | readonly ValueType[] }

/** Whether this vocabulary can write the part down in a `typeof`. */
export function canDeclare(part: NftKeyPart): boolean {
  return typeof part !== 'string' || part in FIELD_NUMBERS || part in META_KEYS
}

export function decodeComment(data: Uint8Array | undefined, type = COMMENT): string | undefined {
  const text = data === undefined ? undefined : readItems(data).get(type)
  return text === undefined ? undefined : Buffer.from(text).toString('utf8').replace(/\0$/, '')
}

export function decodeSetUserdata(data: Uint8Array | undefined): Pick<NftSetHeader, 'typeof' | 'comment'> {
  if (data === undefined) return {}
  const items = readItems(data)
  const comment = decodeComment(data, SET.comment)
  const key = decodeKey(items.get(SET.keyTypeof))
  const values = decodeKey(items.get(SET.dataTypeof))?.filter((part): part is NftField => typeof part === 'string')
  const declared = key === undefined || !key.map(typeOf).every(isDeclarable) ? undefined : key
  return {
    ...(declared === undefined ? {} : { typeof: { key: declared, ...(values === undefined ? {} : { data: values }) } }),
    ...(comment === undefined ? {} : { comment }),
  }
}

function byteOrder(types: readonly ValueType[]): number {
  const [only] = types
  if (only === undefined || types.length > 1) return 0
  return /^(?:ipv[46]_addr|inet_proto|inet_service)$/.test(only) ? 2 : 1
}

function commentText(comment: string, room = LONGEST_COMMENT): Uint8Array {
  const bytes = Buffer.from(comment.replaceAll('\0', ''), 'utf8')
  let length = Math.min(bytes.length, LONGEST_COMMENT, room)
  // Not in the middle of a character.
  while (length < bytes.length && ((bytes[length] ?? 0) & 0xc0) === 0x80) length -= 1
  return Buffer.concat([bytes.subarray(0, length), Buffer.of(0)])
}

function encodeKey(parts: readonly NftKeyPart[]): Uint8Array {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return encodePart(only)
  const inner = parts.map((part, at) => item(at, encodePart(part)))
  return Buffer.concat([item(EXPRESSION.type, u32(KIND.concatenation)), item(EXPRESSION.data, Buffer.concat(inner))])
}

function encodePart(part: NftKeyPart): Uint8Array {
  if (typeof part !== 'string') {
    return expression(KIND.numgen, [NUMGEN_RANDOM, part.modulus, 0])
  }
  const payload = FIELD_NUMBERS[part]
  if (payload !== undefined) return expression(KIND.payload, payload)
  return expression(KIND.meta, [META_KEYS[part] ?? 0])
}

function expression(kind: number, numbers: readonly number[]): Uint8Array {
  const data = Buffer.concat(numbers.map((number, at) => item(at, u32(number))))
  return Buffer.concat([item(EXPRESSION.type, u32(kind)), item(EXPRESSION.data, data)])
}

function decodeKey(data: Uint8Array | undefined): NftKeyPart[] | undefined {
  if (data === undefined) return undefined
  const items = readItems(data)
  const inner = items.get(EXPRESSION.data)
  if (inner === undefined) return undefined
  const parts =
    readU32(items.get(EXPRESSION.type)) === KIND.concatenation
      ? [...readItems(inner).values()].map(decodePart)
      : [decodePart(data)]
  const known = parts.filter((part) => part !== undefined)
  return known.length === parts.length ? known : undefined
}

function decodePart(data: Uint8Array): NftKeyPart | undefined {
  const items = readItems(data)
  const numbers = [...readItems(items.get(EXPRESSION.data) ?? new Uint8Array()).values()].map(readU32)
  const [first = 0, second = 0] = numbers
  switch (readU32(items.get(EXPRESSION.type))) {
    case KIND.numgen:
      return first === NUMGEN_RANDOM ? { numgen: 'random', modulus: second } : undefined
    case KIND.payload:
      return FIELDS.find((field) => FIELD_NUMBERS[field]?.[0] === first && FIELD_NUMBERS[field]?.[1] === second)
    case KIND.meta:
      return FIELDS.find((field) => META_KEYS[field] === first)
    default:
      return undefined
  }
}

function item(type: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(type, value.length), value])
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function readU32(data: Uint8Array | undefined): number {
  return data === undefined || data.length < 4 ? 0 : Buffer.from(data).readUInt32LE(0)
}

function readItems(data: Uint8Array): Map<number, Uint8Array> {
  const items = new Map<number, Uint8Array>()
  for (let at = 0; at + 2 <= data.length;) {
    const length = data[at + 1] ?? 0
    items.set(data[at] ?? 0, data.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return items
}
