/**
 * Where the parts of a message's records are, without taking the records apart: what is needed to patch TTLs and to swap
 * addresses in bytes that are otherwise passed on as they came.
 */
import { TYPE } from './codes.ts'
import { HEADER_BYTES } from './message.ts'

export type RecordPlace = {
  readonly section: 'answer' | 'authority' | 'additional'
  readonly type: number
  readonly ownerOffset: number
  readonly ttlOffset: number
  readonly dataOffset: number
  readonly dataLength: number
}

const SECTIONS = ['answer', 'authority', 'additional'] as const

/** The records in order, OPT left out; undefined if the bytes are not a message. */
export function scanRecords(packet: Buffer): RecordPlace[] | undefined {
  if (packet.length < HEADER_BYTES) return undefined
  let at: number | undefined = HEADER_BYTES
  for (let left = packet.readUInt16BE(4); left > 0; left--) {
    at = skipName(packet, at)
    if (at === undefined || at + 4 > packet.length) return undefined
    at += 4
  }
  const places: RecordPlace[] = []
  for (const [i, section] of SECTIONS.entries()) {
    for (let left = packet.readUInt16BE(6 + 2 * i); left > 0; left--) {
      const ownerOffset: number = at
      const end = skipName(packet, at)
      if (end === undefined || end + 10 > packet.length) return undefined
      const type = packet.readUInt16BE(end)
      const dataOffset = end + 10
      const dataLength = packet.readUInt16BE(end + 8)
      at = dataOffset + dataLength
      if (at > packet.length) return undefined
      if (type !== TYPE.OPT) places.push({ section, type, ownerOffset, ttlOffset: end + 4, dataOffset, dataLength })
    }
  }
  return places
}

/** Behind the name that begins here: a pointer ends it, and is not followed. */
export function skipName(packet: Buffer, start: number): number | undefined {
  for (let at = start; at < packet.length;) {
    const length = packet[at] as number
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2 <= packet.length ? at + 2 : undefined
    if (length >= 0x40) return undefined
    at += 1 + length
  }
  return undefined
}

/** Address records that may change places by swapping their RDATA. */
export type AddressRun = {
  /** Where the addresses are; two or more. */
  readonly offsets: readonly number[]
  /** Bytes of one address. */
  readonly width: number
}

/** Alike are answers of one type with owners that are the same bytes: in a compressed message, the same pointer. */
export function addressRuns(packet: Buffer, places: readonly RecordPlace[]): AddressRun[] {
  const runs = new Map<string, { offsets: number[]; width: number }>()
  for (const { section, type, ownerOffset, ttlOffset, dataOffset, dataLength } of places) {
    if (section !== 'answer' || (type !== TYPE.A && type !== TYPE.AAAA)) continue
    const key = `${dataLength} ${packet.toString('latin1', ownerOffset, ttlOffset)}`
    const run = runs.get(key)
    if (run === undefined) runs.set(key, { offsets: [dataOffset], width: dataLength })
    else run.offsets.push(dataOffset)
  }
  return [...runs.values()].filter(({ offsets }) => offsets.length > 1)
}
