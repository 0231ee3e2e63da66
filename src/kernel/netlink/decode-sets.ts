/** Sets, maps and elements out of the kernel's listing. */
import type { NftElement, NftSet, NftSetFlag, NftType, NftVerdict, ValueType } from '#rulesets/nftables'
import { isDeclarable, printInterval, printMark, printValue, VALUE_WIDTHS } from '#rulesets/nftables'

import { lengthOf, widthOf } from './encode-values.ts'
import { printIpv6 } from './ipv6-words.ts'
import { eachAttribute, listAttributes, readAttributes, readText, viewOf, type Attributes } from './messages.ts'
import {
  DATA,
  ELEMENT,
  INTERVAL_END,
  SET,
  SET_DESCRIPTION,
  SET_FLAG,
  TYPE_BITS,
  TYPE_NUMBERS,
  VERDICT,
  VERDICT_CODES,
  VERDICT_TYPE,
} from './nft-constants.ts'
import { decodeComment, decodeSetUserdata } from './userdata.ts'

/** A rule's own set may be of types that no set can be declared with. */
export type DecodedSet = Omit<NftSet, 'key'> & { readonly key: readonly ValueType[]; readonly anonymous: boolean }

const FLAG_ORDER: readonly NftSetFlag[] = ['constant', 'dynamic', 'interval', 'timeout']

export function decodeSet(attributes: Attributes): DecodedSet {
  const flags = u32(attributes.get(SET.flags)) ?? 0
  const userdata = decodeSetUserdata(attributes.get(SET.userdata))
  const flagNames = FLAG_ORDER.filter((flag) => (flags & SET_FLAG[flag]) !== 0)
  const key = decodeTypes(u32(attributes.get(SET.keyType)) ?? 0, u32(attributes.get(SET.keyLength)) ?? 0)
  const data = (flags & SET_FLAG.map) === 0 ? undefined : decodeDataTypes(attributes)
  const size = u32(readAttributes(attributes.get(SET.description) ?? new Uint8Array()).get(SET_DESCRIPTION.size))
  const timeout = u64(attributes.get(SET.timeout))
  const anonymous = (flags & SET_FLAG.anonymous) !== 0
  const unknown = key === undefined || data === 'unknown' || !(anonymous || key.every(isDeclarable))
  return {
    name: readText(attributes.get(SET.name) ?? new Uint8Array()),
    key: unknown ? [] : key,
    ...(data === undefined || data === 'unknown' ? {} : { data }),
    ...userdata,
    ...(flagNames.length === 0 ? {} : { flags: flagNames }),
    ...(timeout === undefined || timeout === 0n ? {} : { timeout: Number(timeout) }),
    ...(size === undefined ? {} : { size }),
    ...(unknown ? { others: [`type ${u32(attributes.get(SET.keyType))}`] } : {}),
    elements: [],
    anonymous,
  }
}

function decodeDataTypes(attributes: Attributes): 'verdict' | readonly NftType[] | 'unknown' {
  const type = u32(attributes.get(SET.dataType)) ?? 0
  if (type === VERDICT_TYPE) return 'verdict'
  const types = decodeTypes(type, u32(attributes.get(SET.dataLength)) ?? 0)
  const known = types?.filter(isDeclarable)
  return known === undefined || known.length !== types?.length ? 'unknown' : known
}

/** The length tells whether the number was ours to read: other programs put anything there. */
function decodeTypes(number: number, length: number): ValueType[] | undefined {
  const types: ValueType[] = []
  for (let rest = number; rest > 0; rest = Math.floor(rest / (1 << TYPE_BITS))) {
    const found = Object.entries(TYPE_NUMBERS).find(([, value]) => value === rest % (1 << TYPE_BITS))?.[0]
    if (found === undefined) return undefined
    types.unshift(found as ValueType)
  }
  return types.length > 0 && lengthOf(types) === length ? types : undefined
}

type RawElement = {
  readonly key: Uint8Array
  readonly keyEnd: Uint8Array | undefined
  readonly isEnd: boolean
  readonly rest: Omit<NftElement, 'key'>
}

/** `lists`: the contents of the elements attribute of each message. */
export function decodeElements(set: DecodedSet, lists: readonly Uint8Array[]): NftElement[] {
  if (set.key.length === 0) return []
  const raw = lists.flatMap((list) => listAttributes(list).flatMap((element) => decodeElement(set, element)))
  if (set.flags?.includes('interval') !== true) {
    return raw.map(({ key, rest }) => ({ key: printFields(set.key, key), ...rest }))
  }
  if (set.key.length > 1) {
    return raw.map(({ key, keyEnd, rest }) => {
      const ends = readFields(set.key, keyEnd ?? key)
      const fields = readFields(set.key, key).map(({ type, value }, at) =>
        printInterval(type, { from: value, to: ends[at]?.value ?? value }),
      )
      return { key: fields, ...rest }
    })
  }
  return joinIntervals(set, raw)
}

/** The common types without a detour over large numbers: a full listing is a hundred thousand of these. */
function printFields(types: readonly ValueType[], data: Uint8Array): string[] {
  let at = 0
  return types.map((type) => {
    const from = at
    at += 4 * widthOf(type)
    if (type === 'ipv4_addr') return `${data[from]}.${data[from + 1]}.${data[from + 2]}.${data[from + 3]}`
    if (type === 'ipv6_addr') return printIpv6(data.subarray(from, from + 16))
    if (type === 'inet_service') return String(((data[from] ?? 0) << 8) | (data[from + 1] ?? 0))
    if (type === 'integer') return String(viewOf(data).getUint32(from, true))
    if (type === 'mark') return printMark(viewOf(data).getUint32(from, true))
    return printValue(type, readNumber(type, data.subarray(from, from + VALUE_WIDTHS[type])))
  })
}

function decodeElement(set: DecodedSet, data: Uint8Array): RawElement[] {
  const attributes = readAttributes(data)
  const key = valueOf(attributes.get(ELEMENT.key))
  // A catch-all element has none.
  if (key === undefined) return []
  const comment = decodeComment(attributes.get(ELEMENT.userdata))
  const timeout = u64(attributes.get(ELEMENT.timeout))
  const expires = u64(attributes.get(ELEMENT.expiration))
  const value = attributes.get(ELEMENT.data)
  const rest = {
    ...(value === undefined ? {} : decodeData(set, value)),
    ...(comment === undefined ? {} : { comment }),
    ...(timeout === undefined ? {} : { timeout: Number(timeout) }),
    ...(expires === undefined ? {} : { expires: Number(expires) }),
  }
  const isEnd = ((u32(attributes.get(ELEMENT.flags)) ?? 0) & INTERVAL_END) !== 0
  return [{ key, keyEnd: valueOf(attributes.get(ELEMENT.keyEnd)), isEnd, rest }]
}

function decodeData(set: DecodedSet, data: Uint8Array): Pick<NftElement, 'data'> {
  const attributes = readAttributes(data)
  const verdict = attributes.get(DATA.verdict)
  if (verdict !== undefined) {
    const read = decodeVerdict(verdict)
    return read === undefined ? {} : { data: read }
  }
  const value = attributes.get(DATA.value)
  return value === undefined || set.data === undefined || set.data === 'verdict'
    ? {}
    : { data: printFields(set.data, value) }
}

export function decodeVerdict(data: Uint8Array): NftVerdict | undefined {
  const attributes = readAttributes(data)
  const code = u32(attributes.get(VERDICT.code))
  const chain = attributes.get(VERDICT.chain)
  const name = Object.entries(VERDICT_CODES).find(([, number]) => number === (code ?? 0) >> 0)?.[0]
  if (name === 'jump' || name === 'goto') {
    return chain === undefined ? undefined : { verdict: name, chain: readText(chain) }
  }
  return name === 'accept' || name === 'drop' || name === 'return' || name === 'continue'
    ? { verdict: name }
    : undefined
}

/** The kernel keeps where intervals begin and where they end as elements of their own. */
function joinIntervals(set: DecodedSet, raw: readonly RawElement[]): NftElement[] {
  const [type = 'mark'] = set.key
  const marks = raw
    .map((element) => ({ ...element, at: orderedNumber(element.key) }))
    .toSorted((a, b) => (a.at === b.at ? Number(b.isEnd) - Number(a.isEnd) : a.at < b.at ? -1 : 1))
  const last = (1n << BigInt(8 * VALUE_WIDTHS[type])) - 1n
  return marks.flatMap(({ at, isEnd, rest }, index) => {
    if (isEnd) return []
    const next = marks[index + 1]
    return [{ key: [printInterval(type, { from: at, to: next === undefined ? last : next.at - 1n })], ...rest }]
  })
}

export type Field = { readonly type: ValueType; readonly value: bigint }

export function readFields(types: readonly ValueType[], data: Uint8Array): Field[] {
  let at = 0
  return types.map((type) => {
    const bytes = data.subarray(at, at + VALUE_WIDTHS[type])
    at += 4 * widthOf(type)
    return { type, value: readNumber(type, bytes) }
  })
}

/** Numbers in host order are turned; everything else is as it is on the wire. */
export function readNumber(type: ValueType, bytes: Uint8Array): bigint {
  return orderedNumber(isHostOrder(type) ? bytes.slice().reverse() : bytes)
}

/** As the bytes are: in an interval set even numbers in host order are kept turned. */
function orderedNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function isHostOrder(type: ValueType): boolean {
  return VALUE_WIDTHS[type] === 4 && type !== 'ipv4_addr'
}

export function valueOf(nest: Uint8Array | undefined): Uint8Array | undefined {
  let value: Uint8Array | undefined
  if (nest !== undefined) {
    eachAttribute(nest, (type, data) => {
      if (type === DATA.value) value = data
    })
  }
  return value
}

export function u32(data: Uint8Array | undefined): number | undefined {
  return data === undefined || data.length < 4 ? undefined : viewOf(data).getUint32(0)
}

export function u64(data: Uint8Array | undefined): bigint | undefined {
  return data === undefined || data.length < 8 ? undefined : viewOf(data).getBigUint64(0)
}
