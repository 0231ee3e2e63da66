/** Sets, maps and their elements as messages. */
import { SignalboxError } from '#lib'
import type { Interval, NftElement, NftSetHeader, ValueType } from '#rulesets/nftables'
import { parseInterval, VALUE_WIDTHS } from '#rulesets/nftables'

import { encodeNumber, lengthOf, writeField, writeNumber } from './encode-values.ts'
import type { MessageWriter } from './message-writer.ts'
import {
  DATA,
  ELEMENT,
  ELEMENTS,
  INTERVAL_END,
  LIST_ELEMENT,
  SET,
  SET_DESCRIPTION,
  SET_FLAG,
  TYPE_BITS,
  TYPE_NUMBERS,
  VERDICT_TYPE,
} from './nft-constants.ts'
import { canDeclare, encodeComment, encodeSetUserdata, type SetTypes } from './userdata.ts'
import { writeData, writeVerdict } from './write-expression.ts'

/** One attribute holds the elements of a message, and its length is a 16-bit number. */
const ELEMENTS_LIMIT = 65_000

export type SetShape = SetTypes &
  Omit<NftSetHeader, 'key' | 'data'> & {
    /** Number within the batch; an anonymous set is known by nothing else. */
    readonly id: number
    readonly anonymous?: boolean
  }

export function encodeSet(writer: MessageWriter, table: string, set: SetShape): void {
  if (set.typeof !== undefined && ![...set.typeof.key, ...(set.typeof.data ?? [])].every(canDeclare)) {
    throw new SignalboxError('SBX_NFT_REJECTED', `set ${set.name}: its typeof cannot be written down`)
  }
  if (isInterval(set) && set.key.some((type) => type === 'mark' || type === 'integer')) {
    // Rules would have to turn the packet's number first, and whether they must cannot be told from a rule alone.
    throw new SignalboxError('SBX_NFT_REJECTED', `set ${set.name}: intervals of marks are not supported`)
  }
  writer.text(SET.table, table)
  writer.text(SET.name, set.name)
  writer.u32(SET.flags, flagsOf(set))
  writer.u32(SET.keyType, typeNumber(set.key))
  writer.u32(SET.keyLength, lengthOf(set.key))
  if (set.data === 'verdict') {
    writer.u32(SET.dataType, VERDICT_TYPE)
    writer.u32(SET.dataLength, 16)
  } else if (set.data !== undefined) {
    writer.u32(SET.dataType, typeNumber(set.data))
    writer.u32(SET.dataLength, lengthOf(set.data))
  }
  writer.u32(SET.id, set.id)
  const ranged = isInterval(set) && set.key.length > 1
  if (set.size !== undefined || ranged) {
    const description = writer.beginNest(SET.description)
    if (set.size !== undefined) writer.u32(SET_DESCRIPTION.size, set.size)
    if (ranged) writeFieldLengths(writer, set.key)
    writer.endNest(description)
  }
  if (set.timeout !== undefined) writer.u64(SET.timeout, BigInt(set.timeout))
  writer.bytes(SET.userdata, encodeSetUserdata(set))
}

/** So that the kernel can tell the fields of a range apart. */
function writeFieldLengths(writer: MessageWriter, key: readonly ValueType[]): void {
  const list = writer.beginNest(SET_DESCRIPTION.concatenation)
  for (const type of key) {
    const field = writer.beginNest(LIST_ELEMENT)
    writer.u32(SET_DESCRIPTION.fieldLength, VALUE_WIDTHS[type])
    writer.endNest(field)
  }
  writer.endNest(list)
}

function flagsOf(set: SetShape): number {
  let flags = set.data === undefined ? 0 : SET_FLAG.map
  for (const flag of set.flags ?? []) flags |= SET_FLAG[flag]
  if (set.anonymous === true) flags |= SET_FLAG.anonymous
  if (isInterval(set) && set.key.length > 1) flags |= SET_FLAG.concatenation
  return flags
}

function isInterval(set: SetShape): boolean {
  return set.flags?.includes('interval') === true
}

function typeNumber(types: readonly ValueType[]): number {
  return types.reduce((sum, type) => sum * (1 << TYPE_BITS) + TYPE_NUMBERS[type], 0)
}

export type ElementMessage = {
  /** Begins a message; called again when the last one is full. */
  readonly begin: () => number
  readonly table: string
  readonly withData: boolean
}

/** Writes as many messages as it takes. */
export function encodeElements(
  writer: MessageWriter,
  set: SetShape,
  { begin, table, withData, elements }: ElementMessage & { readonly elements: readonly NftElement[] },
): void {
  const write = elementWriter(writer, set, withData)
  let message = -1
  let list = -1
  const close = (): void => {
    if (message < 0) return
    writer.endNest(list)
    writer.endMessage(message)
    message = -1
  }
  for (const element of isInterval(set) && set.key.length === 1 ? sorted(set, elements) : elements) {
    if (message < 0) {
      message = begin()
      writer.text(ELEMENTS.table, table)
      writer.text(ELEMENTS.set, set.name)
      if (set.id > 0) writer.u32(ELEMENTS.setId, set.id)
      list = writer.beginNest(ELEMENTS.elements)
    }
    try {
      write(element)
    } catch (error) {
      throw nameElement(error, set, element)
    }
    if (writer.sizeOfNest(list) > ELEMENTS_LIMIT) close()
  }
  close()
}

function nameElement(error: unknown, set: SetShape, element: NftElement): unknown {
  if (!(error instanceof SignalboxError)) return error
  const key = element.key.join(' . ').slice(0, 120)
  return new SignalboxError(error.code, `element ${key} of ${set.name}: ${error.message}`, {
    facts: { ...error.facts, object: `element ${key} of set ${set.name}` },
    cause: error,
  })
}

/** nft writes the elements of an interval set in order; the kernel has at times relied on it. */
function sorted(set: SetShape, elements: readonly NftElement[]): readonly NftElement[] {
  const from = (element: NftElement): bigint => intervalOf(set, element, 0).from
  return elements.toSorted((a, b) => (from(a) < from(b) ? -1 : 1))
}

function intervalOf(set: SetShape, element: NftElement, field: number): Interval {
  const [type, text] = [set.key[field], element.key[field]]
  const interval = type === undefined || text === undefined ? undefined : parseInterval(type, text)
  if (interval === undefined) {
    throw new SignalboxError('SBX_NFT_REJECTED', `${text ?? 'nothing'} is no interval of ${type ?? 'nothing'}`)
  }
  return interval
}

function elementWriter(writer: MessageWriter, set: SetShape, withData: boolean): (element: NftElement) => void {
  const { key } = set
  const keyLength = lengthOf(key)
  const interval = isInterval(set)
  const rest = (element: NftElement): void => {
    if (!withData) return
    if (element.timeout !== undefined) writer.u64(ELEMENT.timeout, BigInt(element.timeout))
    if (element.expires !== undefined) writer.u64(ELEMENT.expiration, BigInt(element.expires))
    writeElementData(writer, set, element)
    if (element.comment !== undefined) writer.bytes(ELEMENT.userdata, encodeComment(element.comment))
  }
  const writeKey = (
    attribute: number,
    length: number,
    fill: (to: { words: Uint32Array; at: number }) => void,
  ): void => {
    const nest = writer.beginNest(attribute)
    writer.words(DATA.value, length, (words, at) => fill({ words, at }))
    writer.endNest(nest)
  }
  if (!interval) {
    return (element) => {
      if (element.key.length !== key.length) throw wrongLength(element, key)
      const nest = writer.beginNest(LIST_ELEMENT)
      writeKey(ELEMENT.key, keyLength, (to) => {
        for (let field = 0; field < key.length; field += 1) {
          writeField(key[field] ?? 'mark', element.key[field] ?? '', to)
        }
      })
      rest(element)
      writer.endNest(nest)
    }
  }
  if (key.length > 1) {
    return (element) => {
      if (element.key.length !== key.length) throw wrongLength(element, key)
      const fields = key.map((_, field) => intervalOf(set, element, field))
      const side = (end: 'from' | 'to') => (to: { words: Uint32Array; at: number }) => {
        for (const [field, type] of key.entries()) writeNumber(type, fields[field]?.[end] ?? 0n, to)
      }
      const nest = writer.beginNest(LIST_ELEMENT)
      writeKey(ELEMENT.key, keyLength, side('from'))
      writeKey(ELEMENT.keyEnd, keyLength, side('to'))
      rest(element)
      writer.endNest(nest)
    }
  }
  return (element) => {
    const [type = 'mark'] = key
    if (element.key.length !== 1) throw wrongLength(element, key)
    const { from, to } = intervalOf(set, element, 0)
    const boundary = (value: bigint): void => writeData(writer, ELEMENT.key, encodeNumber(type, value))
    const nest = writer.beginNest(LIST_ELEMENT)
    boundary(from)
    rest(element)
    writer.endNest(nest)
    // Up to the end of all values needs no end.
    if (to + 1n >= 1n << BigInt(8 * VALUE_WIDTHS[type])) return
    const end = writer.beginNest(LIST_ELEMENT)
    writer.u32(ELEMENT.flags, INTERVAL_END)
    boundary(to + 1n)
    writer.endNest(end)
  }
}

function writeElementData(writer: MessageWriter, set: SetShape, element: NftElement): void {
  const { data } = element
  if (set.data === undefined) return
  if (data === undefined || 'verdict' in data !== (set.data === 'verdict')) {
    throw new SignalboxError('SBX_NFT_REJECTED', `the map ${set.name} needs other data`)
  }
  if ('verdict' in data) {
    writeVerdict(writer, ELEMENT.data, data)
    return
  }
  const types = set.data === 'verdict' ? [] : set.data
  if (data.length !== types.length) throw wrongLength({ key: data }, types)
  const nest = writer.beginNest(ELEMENT.data)
  writer.words(DATA.value, lengthOf(types), (words, at) => {
    const to = { words, at }
    for (let field = 0; field < types.length; field += 1) writeField(types[field] ?? 'mark', data[field] ?? '', to)
  })
  writer.endNest(nest)
}

function wrongLength({ key }: Pick<NftElement, 'key'>, types: readonly ValueType[]): SignalboxError {
  return new SignalboxError('SBX_NFT_REJECTED', `${key.length} fields where ${types.length} are declared`)
}
