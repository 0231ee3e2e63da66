/**
 * Encoded answers by the bytes of their question, so that a question asked again is answered without being parsed.
 *
 * An entry holds the whole reply to one question, in one of two shapes (with and without OPT). Everything else a reply
 * owes to its query is patched in: ID, RD, CD, DO, the spelling of the name (0x20), a fresh order of addresses. An entry
 * is good for one version of the data: the first change makes all of them stale, so no answer outlives what it rests on.
 *
 * Two generations bound the memory: when the young one is full it becomes the old one, and the old one is dropped; what
 * is asked for in between moves back to the young one.
 */
import type { AddressRun } from '../wire/index.ts'
import { addressRuns, FLAG, HEADER_BYTES, scanRecords } from '../wire/index.ts'
import type { Random } from './shuffle-addresses.ts'
import { shuffleRuns } from './shuffle-runs.ts'

export type AnswerCacheOptions = {
  /** Most entries of each generation. */
  readonly maxEntries: number
  /** Not for secrets. */
  readonly quickRandom: Random
  /** Whether addresses change places. */
  readonly shuffle: boolean
}

export type CachedReply = {
  readonly packet: Buffer
  readonly rcode: number
  readonly type: number
  readonly zone: string
}

export interface AnswerCache {
  /** The reply to a query of at most `limit(udpSize)` bytes, if an answer of this version is known. */
  find(packet: Buffer, version: number, limits: ReplyLimits): CachedReply | undefined
  /** `reply` must be whole: nothing was left out of it for want of room. */
  store(packet: Buffer, version: number, answer: { readonly reply: Buffer; readonly zone: string }): void
  readonly size: number
}

export type ReplyLimits = {
  /** For queries without EDNS. */
  readonly plain: number
  /** Most bytes, whatever the client offers. */
  readonly most: number
  /** TCP: `most`, whatever the client says. */
  readonly fixed: boolean
}

type Entry = {
  readonly version: number
  readonly reply: Buffer
  readonly runs: readonly AddressRun[]
  readonly rcode: number
  readonly type: number
  /** For who counts. */
  readonly zone: string
}

const NO_RUNS: readonly AddressRun[] = []
/** Root owner, type, size, extended rcode and version, flags, length: an OPT record without options. */
const OPT_BYTES = 11

export function createAnswerCache(options: AnswerCacheOptions): AnswerCache {
  const { maxEntries, quickRandom, shuffle } = options
  let young = new Map<string, Entry>()
  let old = new Map<string, Entry>()

  const put = (key: string, entry: Entry): void => {
    if (young.size >= maxEntries) {
      old = young
      young = new Map()
    }
    young.set(key, entry)
  }
  const get = (key: string): Entry | undefined => {
    const entry = young.get(key)
    if (entry !== undefined) return entry
    const earlier = old.get(key)
    if (earlier !== undefined) put(key, earlier)
    return earlier
  }

  return {
    find: (packet, version, limits) => {
      const end = questionEnd(packet)
      if (end === 0) return undefined
      const entry = get(keyOf(packet, end))
      if (entry === undefined || entry.version !== version) return undefined
      const { reply, runs } = entry
      if (reply.length > room(packet, end, limits)) return undefined
      const copy = Buffer.allocUnsafe(reply.length)
      reply.copy(copy, 0)
      packet.copy(copy, HEADER_BYTES, HEADER_BYTES, end - 4)
      copy[0] = packet[0] as number
      copy[1] = packet[1] as number
      copy[2] = ((reply[2] as number) & ~RD) | ((packet[2] as number) & RD)
      copy[3] = ((reply[3] as number) & ~CD) | ((packet[3] as number) & CD)
      if (packet.length > end) copy[copy.length - 4] = (packet[end + 7] as number) & 0x80
      if (shuffle && runs.length > 0) shuffleRuns(copy, runs, quickRandom)
      return { packet: copy, rcode: entry.rcode, type: entry.type, zone: entry.zone }
    },
    store: (packet, version, { reply, zone }) => {
      const end = questionEnd(packet)
      const places = end === 0 ? undefined : scanRecords(reply)
      if (places === undefined) return
      const runs = addressRuns(reply, places)
      put(keyOf(packet, end), {
        version,
        reply,
        runs: runs.length === 0 ? NO_RUNS : runs,
        rcode: (reply[3] as number) & 15,
        type: packet.readUInt16BE(end - 4),
        zone,
      })
    },
    get size() {
      return young.size + old.size
    },
  }
}

const RD = FLAG.RD >> 8
const CD = FLAG.CD

/**
 * Behind the question of an ordinary query, or 0: one question, nothing else but an OPT record of version 0 at most. The
 * rest takes the long way, where it is judged.
 */
function questionEnd(packet: Buffer): number {
  if (packet.length < HEADER_BYTES + 5 || ((packet[2] as number) & 0xfa) !== 0) return 0
  // QDCOUNT 1, ANCOUNT 0, NSCOUNT 0, ARCOUNT 0 or 1
  if (packet[4] !== 0 || packet[5] !== 1 || packet[6] !== 0 || packet[7] !== 0) return 0
  if (packet[8] !== 0 || packet[9] !== 0 || packet[10] !== 0 || (packet[11] as number) > 1) return 0
  let at = HEADER_BYTES
  for (let length = packet[at]; length !== 0; length = packet[at]) {
    if (length === undefined || length > 63) return 0
    at += 1 + length
  }
  const end = at + 5
  if (end - HEADER_BYTES > 259 || end > packet.length) return 0
  if (packet[11] === 0) return end === packet.length ? end : 0
  const plainOpt =
    packet.length >= end + OPT_BYTES &&
    packet[end] === 0 &&
    packet[end + 1] === 0 &&
    packet[end + 2] === 41 &&
    packet[end + 6] === 0 &&
    packet.length === end + OPT_BYTES + packet.readUInt16BE(end + 9)
  return plainOpt ? end : 0
}

/** The question in lower case, and whether there is an OPT record. Length bytes and ASCII types have no upper case. */
function keyOf(packet: Buffer, end: number): string {
  let upper = false
  for (let at = HEADER_BYTES; at < end - 5; at++) {
    const byte = packet[at] as number
    if (byte >= 0x41 && byte <= 0x5a) {
      upper = true
      break
    }
  }
  const name = packet.toString('latin1', HEADER_BYTES, end - 4)
  const lower = upper ? name.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : name
  return lower + packet.toString('latin1', end - 4, end) + (packet.length > end ? 'E' : 'P')
}

function room(packet: Buffer, end: number, limits: ReplyLimits): number {
  if (limits.fixed) return limits.most
  if (packet.length === end) return limits.plain
  return Math.max(limits.plain, Math.min(packet.readUInt16BE(end + 3), limits.most))
}
