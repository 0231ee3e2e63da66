/**
 * The server's reading of a packet: which ones deserve an answer, and of what kind, before anything is looked up.
 *
 * Rules of the reference, section 8: only QR=0; only opcode QUERY; exactly one question; at most one answer and one
 * authority record and two additional ones (what TSIG and OPT need); bytes after the last record are ignored.
 */
import { OPCODE, RCODE, TYPE } from './codes.ts'
import type { Edns, Question, WireProblem } from './message.ts'
import { FLAG, HEADER_BYTES } from './message.ts'
import { ROOT } from './name.ts'
import { PacketReader } from './packet-reader.ts'

export type Query = {
  readonly id: number
  readonly recursionDesired: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  readonly question: Question
  /** Without its options: none is understood, and unknown ones are to be ignored (RFC 6891 6.1.2). */
  readonly edns: Edns | undefined
  /** IXFR: the serial the client has, from the SOA in its authority section (RFC 1995 3). */
  readonly authoritySerial?: number
}

export type QueryVerdict =
  | { readonly kind: 'query'; readonly query: Query }
  /** No reply may be sent: it could start a loop between two servers. */
  | { readonly kind: 'drop'; readonly why: 'short-header' | 'is-response' }
  /** A header-only reply with this rcode. */
  | {
      readonly kind: 'reject'
      readonly rcode: number
      readonly why: WireProblem | 'opcode' | 'counts'
      readonly id: number
      readonly opcode: number
      readonly recursionDesired: boolean
    }

const SHORT: QueryVerdict = { kind: 'drop', why: 'short-header' }
const RESPONSE: QueryVerdict = { kind: 'drop', why: 'is-response' }

export function parseQuery(packet: Buffer): QueryVerdict {
  if (packet.length < HEADER_BYTES) return SHORT
  const flags = packet.readUInt16BE(2)
  if ((flags & FLAG.QR) !== 0) return RESPONSE
  const id = packet.readUInt16BE(0)
  const opcode = (flags >> 11) & 15
  const recursionDesired = (flags & FLAG.RD) !== 0
  const reject = (rcode: number, why: WireProblem | 'opcode' | 'counts'): QueryVerdict => ({
    kind: 'reject',
    rcode,
    why,
    id,
    opcode,
    recursionDesired,
  })
  if (opcode !== OPCODE.QUERY) return reject(RCODE.NOTIMP, 'opcode')
  const before = packet.readUInt16BE(6)
  const authority = packet.readUInt16BE(8)
  const additional = packet.readUInt16BE(10)
  if (packet.readUInt16BE(4) !== 1 || before > 1 || authority > 1 || additional > 2) {
    return reject(RCODE.FORMERR, 'counts')
  }
  const reader = new PacketReader(packet, HEADER_BYTES)
  const question: Question = { name: reader.name(), type: reader.u16(), class: reader.u16() }
  for (let left = before; left > 0; left--) skipRecord(reader)
  let authoritySerial: number | undefined
  for (let left = authority; left > 0; left--) authoritySerial = readSerialOrSkip(reader)
  let edns: Edns | undefined
  for (let left = additional; left > 0 && reader.problem === undefined; left--) {
    const opt = readOptOrSkip(reader)
    if (opt !== undefined && edns !== undefined) reader.fail('two-opt-records')
    edns = opt ?? edns
  }
  if (reader.problem !== undefined) return reject(RCODE.FORMERR, reader.problem)
  const query: Query = {
    id,
    recursionDesired,
    authenticData: (flags & FLAG.AD) !== 0,
    checkingDisabled: (flags & FLAG.CD) !== 0,
    question,
    edns,
    ...(authoritySerial === undefined ? {} : { authoritySerial }),
  }
  return { kind: 'query', query }
}

function skipRecord(reader: PacketReader): void {
  reader.name()
  reader.skip(8)
  reader.skip(reader.u16())
}

function readSerialOrSkip(reader: PacketReader): number | undefined {
  reader.name()
  const type = reader.u16()
  reader.skip(6)
  const end = reader.u16() + reader.offset
  if (type !== TYPE.SOA) {
    reader.skip(end - reader.offset)
    return undefined
  }
  reader.name()
  reader.name()
  const serial = reader.u32()
  if (reader.offset > end) reader.fail('bad-rdata')
  else reader.skip(end - reader.offset)
  return serial
}

function readOptOrSkip(reader: PacketReader): Edns | undefined {
  const owner = reader.name()
  const type = reader.u16()
  const udpSize = reader.u16()
  const ttl = reader.u32()
  reader.skip(reader.u16())
  if (type !== TYPE.OPT || reader.problem !== undefined) return undefined
  if (owner !== ROOT) reader.fail('bad-rdata')
  return { udpSize, version: (ttl >>> 16) & 0xff, dnssecOk: (ttl & 0x8000) !== 0, options: [] }
}
