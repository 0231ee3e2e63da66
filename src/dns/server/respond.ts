/**
 * A packet in, a packet out (or none): what a query may expect of header, EDNS and size, whatever its answer
 * (reference section 8). Synchronous unless an upstream has to be asked; a question asked before is answered without
 * being parsed.
 */
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { Client, MessageResolution, Resolution, Resolver } from '../resolve.ts'
import type { Name, Query, ResourceRecord } from '../wire/index.ts'
import { encodeHeader, encodeMessage, FLAG, HEADER_BYTES, MAX_MESSAGE_BYTES, MIN_UDP_BYTES } from '../wire/index.ts'
import { addressRuns, parseQuery, RCODE, scanRecords } from '../wire/index.ts'
import type { AnswerCache, ReplyLimits } from './answer-cache.ts'
import { createAnswerCache } from './answer-cache.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { Reply, Responder } from './responder.ts'
import { limitReplies } from './limit-replies.ts'
import type { Random } from './shuffle-addresses.ts'
import { shuffleAddresses } from './shuffle-addresses.ts'
import { createQuickRandom, shuffleRuns } from './shuffle-runs.ts'

export type Observed = {
  readonly packet: Buffer
  readonly reply: Buffer
  readonly from: Client
  readonly rcode: number
  /** Undefined: the packet was no query. */
  readonly type: number | undefined
  /** Of the block that answered, as text; `dropped` where there is none. */
  readonly zone: string
  readonly relayed: boolean
  /** Monotonic milliseconds. */
  readonly began: number
}

export type ResponderOptions = {
  readonly resolve: Resolver
  readonly random: Random
  /** Largest datagram sent, whatever the client says it takes. */
  readonly maxUdpBytes: number
  readonly logger: Logger
  /** The data's version: what is answered from memory was computed of this one. Nothing is remembered if not given. */
  readonly version?: () => number
  /** Entries of each of the two generations. */
  readonly cacheEntries?: number
  readonly shuffle?: boolean
  readonly rateLimiter?: RateLimiter
  readonly observe?: (observed: Observed) => void
  readonly monotonic?: () => number
  /** The zone a name is counted under. */
  readonly zoneOf?: (name: Name) => string
}

const DEFAULT_ENTRIES = 32_768
const NO_ZONE = 'dropped'
const TCP_LIMITS: ReplyLimits = { plain: MAX_MESSAGE_BYTES, most: MAX_MESSAGE_BYTES, fixed: true }

export function createResponder(options: ResponderOptions): Responder {
  const { resolve, logger, maxUdpBytes, version, observe, rateLimiter, shuffle = true } = options
  const { monotonic = () => 0, zoneOf = () => NO_ZONE } = options
  const quickRandom = createQuickRandom(options.random(0x7fffffff))
  const encoding: Encoding = { maxUdpBytes, shuffle, random: quickRandom }
  const cache: AnswerCache | undefined =
    version === undefined
      ? undefined
      : createAnswerCache({ maxEntries: options.cacheEntries ?? DEFAULT_ENTRIES, quickRandom, shuffle })
  const udpLimits: ReplyLimits = { plain: MIN_UDP_BYTES, most: maxUdpBytes, fixed: false }

  const fromMemory = (packet: Buffer, from: Client, began: number): Buffer | undefined => {
    if (cache === undefined || version === undefined) return undefined
    const found = cache.find(packet, version(), from.transport === 'tcp' ? TCP_LIMITS : udpLimits)
    if (found === undefined) return undefined
    const { packet: reply, rcode, type, zone } = found
    observe?.({ packet, reply, from, rcode, type, zone, relayed: false, began })
    return reply
  }

  const failed = (query: Query, error: unknown): Buffer => {
    logger.error('query failed', { name: query.question.name, error: messageOf(error) })
    return encodeReply(query, servfail, { ...encoding, limit: MIN_UDP_BYTES })
  }

  const judge = (packet: Buffer, from: Client): Reply | Promise<Reply> => {
    const began = monotonic()
    const known = fromMemory(packet, from, began)
    if (known !== undefined) return known
    const verdict = parseQuery(packet)
    if (verdict.kind === 'drop') return undefined
    if (verdict.kind === 'reject') {
      const reply = encodeHeader(verdict)
      observe?.({ packet, reply, from, rcode: verdict.rcode, type: undefined, zone: NO_ZONE, relayed: false, began })
      return reply
    }
    const { query } = verdict
    const limit = from.transport === 'tcp' ? MAX_MESSAGE_BYTES : udpLimit(query, maxUdpBytes)
    const sized = { ...encoding, limit }
    const zone = zoneOf(query.question.name)
    const done = (reply: Buffer, rcode: number, relayed = false): Buffer => {
      observe?.({ packet, reply, from, rcode, type: query.question.type, zone, relayed, began })
      return reply
    }
    if (query.edns !== undefined && query.edns.version !== 0) {
      return done(encodeReply(query, badVersion, sized), RCODE.BADVERS)
    }
    const finish = (resolution: Resolution): Reply => {
      if (resolution.kind === 'transfer') return encodeTransfer(query, resolution.records, sized)
      if (resolution.kind === 'relay') {
        const reply = relayReply(query, resolution.packet, { ...sized, asked: packet })
        return done(reply, (reply[3] as number) & 15, true)
      }
      const reply = encodeReply(query, resolution, sized)
      if (
        resolution.stable === true &&
        cache !== undefined &&
        version !== undefined &&
        isWhole(reply, query, resolution)
      ) {
        cache.store(packet, version(), { reply, zone })
      }
      return done(reply, resolution.rcode)
    }
    try {
      const resolution = resolve(query, from)
      return resolution instanceof Promise
        ? resolution.then(finish).catch((error: unknown) => failed(query, error))
        : finish(resolution)
    } catch (error) {
      return failed(query, error)
    }
  }
  return rateLimiter === undefined ? judge : limitReplies(judge, rateLimiter)
}

const EMPTY = { answers: [], authority: [], additional: [] }
const FLAGS = { kind: 'message', authoritative: false, truncated: false, recursionAvailable: false } as const
const servfail: MessageResolution = { ...FLAGS, ...EMPTY, rcode: RCODE.SERVFAIL }
const badVersion: MessageResolution = { ...FLAGS, ...EMPTY, rcode: RCODE.BADVERS }
const truncation: MessageResolution = { ...FLAGS, ...EMPTY, rcode: RCODE.NOERROR, truncated: true }

/** RFC 6891 6.2.3: values below 512 mean 512. */
function udpLimit(query: Query, maxUdpBytes: number): number {
  if (query.edns === undefined) return MIN_UDP_BYTES
  return Math.max(MIN_UDP_BYTES, Math.min(query.edns.udpSize, maxUdpBytes))
}

/** Nothing was left out for want of room. */
function isWhole(reply: Buffer, query: Query, resolution: MessageResolution): boolean {
  const cut = (reply.readUInt16BE(2) & FLAG.TC) !== 0
  const additional = resolution.additional.length + (query.edns === undefined ? 0 : 1)
  return !cut && reply.readUInt16BE(10) === additional
}

type Encoding = { readonly maxUdpBytes: number; readonly shuffle: boolean; readonly random: Random }
type Sized = Encoding & { readonly limit: number }

function encodeReply(query: Query, resolution: MessageResolution, encoding: Sized): Buffer {
  const { random, maxUdpBytes, shuffle, limit } = encoding
  const { rcode, authoritative, truncated, recursionAvailable, authority, answers, additional } = resolution
  const reply = {
    id: query.id,
    response: true,
    opcode: 0,
    authoritative,
    truncated,
    recursionDesired: query.recursionDesired,
    recursionAvailable,
    authenticData: false,
    checkingDisabled: query.checkingDisabled,
    rcode,
    questions: [query.question],
    answers: shuffle ? shuffleAddresses(answers, random) : answers,
    authority,
    additional: shuffle ? shuffleAddresses(additional, random) : additional,
  }
  if (query.edns === undefined) return encodeMessage(reply, limit)
  const edns = { udpSize: maxUdpBytes, version: 0, dnssecOk: query.edns.dnssecOk, options: [] }
  return encodeMessage({ ...reply, edns }, limit)
}

/**
 * An upstream's reply made the client's own: its ID, its spelling of the question (0x20), its flags. Not re-encoded, so
 * that types unknown here pass unharmed; a reply too big for the client becomes an empty truncated one.
 */
function relayReply(query: Query, packet: Buffer, encoding: Sized & { readonly asked: Buffer }): Buffer {
  if (packet.length > encoding.limit) return encodeReply(query, { ...truncation, recursionAvailable: true }, encoding)
  const reply = Buffer.from(packet)
  reply.writeUInt16BE(query.id, 0)
  encoding.asked.copy(reply, HEADER_BYTES, HEADER_BYTES, HEADER_BYTES + query.question.name.length)
  const wantsAd = query.authenticData || query.edns?.dnssecOk === true
  const cleared = (wantsAd ? 0 : FLAG.AD) | FLAG.RD | FLAG.CD
  const kept = reply.readUInt16BE(2) & ~cleared
  reply.writeUInt16BE(kept | (query.recursionDesired ? FLAG.RD : 0) | (query.checkingDisabled ? FLAG.CD : 0), 2)
  if (encoding.shuffle) shuffleRuns(reply, addressRuns(reply, scanRecords(reply) ?? []), encoding.random)
  return reply
}

/** Records of a transfer in one message: well below what a message may hold, whatever the records (RFC 5936 2.2). */
const RECORDS_A_MESSAGE = 100

function encodeTransfer(query: Query, records: readonly ResourceRecord[], encoding: Sized): Buffer[] {
  const packets: Buffer[] = []
  for (let at = 0; at < records.length; at += RECORDS_A_MESSAGE) {
    const answers = records.slice(at, at + RECORDS_A_MESSAGE)
    packets.push(
      encodeReply(
        query,
        { ...FLAGS, ...EMPTY, rcode: 0, authoritative: true, answers },
        { ...encoding, shuffle: false },
      ),
    )
  }
  return packets
}
