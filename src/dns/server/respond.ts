/**
 * A packet in, a packet out (or none): what a query may expect of header, EDNS and size, whatever its answer
 * (reference section 8). Synchronous unless an upstream has to be asked.
 */
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { Resolution, Resolver } from '../resolve.ts'
import type { Query } from '../wire/index.ts'
import { encodeHeader, encodeMessage, FLAG, HEADER_BYTES, MAX_MESSAGE_BYTES, MIN_UDP_BYTES } from '../wire/index.ts'
import { parseQuery, RCODE } from '../wire/index.ts'
import type { Random } from './shuffle-addresses.ts'
import { shuffleAddresses } from './shuffle-addresses.ts'

export type Transport = 'udp' | 'tcp'

/** The reply, or undefined where none may be sent. Never throws or rejects. */
export type Responder = (
  packet: Buffer,
  from: { readonly transport: Transport; readonly address: string },
) => Buffer | undefined | Promise<Buffer | undefined>

export type ResponderOptions = {
  readonly resolve: Resolver
  readonly random: Random
  /** Largest datagram sent, whatever the client says it takes. */
  readonly maxUdpBytes: number
  readonly logger: Logger
}

export function createResponder(options: ResponderOptions): Responder {
  const { resolve, logger, maxUdpBytes } = options

  const failed = (query: Query, error: unknown): Buffer => {
    logger.error('query failed', { name: query.question.name, error: messageOf(error) })
    return encodeReply(query, servfail, { limit: MIN_UDP_BYTES, options })
  }

  return (packet, from) => {
    const verdict = parseQuery(packet)
    if (verdict.kind === 'drop') return undefined
    if (verdict.kind === 'reject') return encodeHeader(verdict)
    const { query } = verdict
    const limit = from.transport === 'tcp' ? MAX_MESSAGE_BYTES : udpLimit(query, maxUdpBytes)
    if (query.edns !== undefined && query.edns.version !== 0) return encodeReply(query, badVersion, { limit, options })
    const finish = (resolution: Resolution): Buffer =>
      resolution.kind === 'relay'
        ? relayReply(query, resolution.packet, { limit, asked: packet, options })
        : encodeReply(query, resolution, { limit, options })
    try {
      const resolution = resolve(query, from.address)
      return resolution instanceof Promise
        ? resolution.then(finish).catch((error: unknown) => failed(query, error))
        : finish(resolution)
    } catch (error) {
      return failed(query, error)
    }
  }
}

type MessageResolution = Extract<Resolution, { kind: 'message' }>

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

type Encoding = { readonly limit: number; readonly options: ResponderOptions }

function encodeReply(query: Query, resolution: MessageResolution, encoding: Encoding): Buffer {
  const { random, maxUdpBytes } = encoding.options
  const { rcode, authoritative, truncated, recursionAvailable, authority } = resolution
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
    answers: shuffleAddresses(resolution.answers, random),
    authority,
    additional: shuffleAddresses(resolution.additional, random),
  }
  if (query.edns === undefined) return encodeMessage(reply, encoding.limit)
  const edns = { udpSize: maxUdpBytes, version: 0, dnssecOk: query.edns.dnssecOk, options: [] }
  return encodeMessage({ ...reply, edns }, encoding.limit)
}

/**
 * An upstream's reply made the client's own: its ID, its spelling of the question (0x20), its flags. Not re-encoded, so
 * that types unknown here pass unharmed; a reply too big for the client becomes an empty truncated one.
 */
function relayReply(query: Query, packet: Buffer, encoding: Encoding & { readonly asked: Buffer }): Buffer {
  if (packet.length > encoding.limit) return encodeReply(query, { ...truncation, recursionAvailable: true }, encoding)
  const reply = Buffer.from(packet)
  reply.writeUInt16BE(query.id, 0)
  encoding.asked.copy(reply, HEADER_BYTES, HEADER_BYTES, HEADER_BYTES + query.question.name.length)
  const wantsAd = query.authenticData || query.edns?.dnssecOk === true
  const cleared = (wantsAd ? 0 : FLAG.AD) | FLAG.RD | FLAG.CD
  const kept = reply.readUInt16BE(2) & ~cleared
  reply.writeUInt16BE(kept | (query.recursionDesired ? FLAG.RD : 0) | (query.checkingDisabled ? FLAG.CD : 0), 2)
  return reply
}
