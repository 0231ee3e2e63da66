/**
 * Bytes to a message. Every loop is bounded by the bytes that are left, never by a count in the header alone: a record
 * takes at least eleven bytes, so a forged count ends at the end of the packet.
 */
import { TYPE } from './codes.ts'
import type { Edns, EdnsOption, Message, Question, RecordData, ResourceRecord, WireProblem } from './message.ts'
import { FLAG, HEADER_BYTES } from './message.ts'
import { ROOT } from './name.ts'
import { PacketReader } from './packet-reader.ts'

export type ParseResult =
  { readonly ok: true; readonly message: Message } | { readonly ok: false; readonly problem: WireProblem }

export function parseMessage(packet: Buffer): ParseResult {
  if (packet.length < HEADER_BYTES) return { ok: false, problem: 'short-header' }
  const flags = packet.readUInt16BE(2)
  const reader = new PacketReader(packet, HEADER_BYTES)
  const questions: Question[] = []
  for (let left = packet.readUInt16BE(4); left > 0 && reader.problem === undefined; left--) {
    questions.push({ name: reader.name(), type: reader.u16(), class: reader.u16() })
  }
  const answers = readRecords(reader, packet.readUInt16BE(6))
  const authority = readRecords(reader, packet.readUInt16BE(8))
  const additional = readRecords(reader, packet.readUInt16BE(10))
  const opt = takeOpt(reader, additional)
  if (reader.problem !== undefined) return { ok: false, problem: reader.problem }
  const message: Message = {
    id: packet.readUInt16BE(0),
    response: (flags & FLAG.QR) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & FLAG.AA) !== 0,
    truncated: (flags & FLAG.TC) !== 0,
    recursionDesired: (flags & FLAG.RD) !== 0,
    recursionAvailable: (flags & FLAG.RA) !== 0,
    authenticData: (flags & FLAG.AD) !== 0,
    checkingDisabled: (flags & FLAG.CD) !== 0,
    rcode: (flags & 15) | (opt === undefined ? 0 : Math.floor(opt.ttl / 0x1000000) << 4),
    questions,
    answers,
    authority,
    additional,
    ...(opt === undefined ? {} : { edns: ednsOf(reader, opt) }),
  }
  return reader.problem === undefined ? { ok: true, message } : { ok: false, problem: reader.problem }
}

function readRecords(reader: PacketReader, count: number): ResourceRecord[] {
  const records: ResourceRecord[] = []
  for (let left = count; left > 0 && reader.problem === undefined; left--) {
    const name = reader.name()
    const type = reader.u16()
    const recordClass = reader.u16()
    const ttl = reader.u32()
    const data = readData(reader, type, reader.u16())
    if (reader.problem === undefined) records.push({ name, type, class: recordClass, ttl, data })
  }
  return records
}

function readData(reader: PacketReader, type: number, length: number): RecordData {
  const end = reader.offset + length
  if (end > reader.packet.length) reader.fail('past-end')
  const data = readDataOf(reader, type, length)
  if (reader.problem === undefined && reader.offset !== end) reader.fail('bad-rdata')
  return data
}

function readDataOf(reader: PacketReader, type: number, length: number): RecordData {
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA:
      if (length !== (type === TYPE.A ? 4 : 16)) reader.fail('bad-rdata')
      return { kind: 'address', bytes: reader.bytes(length) }
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.DNAME:
      return { kind: 'name', target: reader.name() }
    case TYPE.MX:
      return { kind: 'mx', preference: reader.u16(), target: reader.name() }
    case TYPE.SRV:
      return {
        kind: 'srv',
        priority: reader.u16(),
        weight: reader.u16(),
        port: reader.u16(),
        target: reader.name(),
      }
    case TYPE.SOA:
      return {
        kind: 'soa',
        mname: reader.name(),
        rname: reader.name(),
        serial: reader.u32(),
        refresh: reader.u32(),
        retry: reader.u32(),
        expire: reader.u32(),
        minimum: reader.u32(),
      }
    case TYPE.TXT:
      return { kind: 'txt', strings: readStrings(reader, length) }
    default:
      return { kind: 'opaque', bytes: reader.bytes(length) }
  }
}

function readStrings(reader: PacketReader, length: number): Uint8Array[] {
  const end = reader.offset + length
  const strings: Uint8Array[] = []
  while (reader.problem === undefined && reader.offset < end) strings.push(reader.bytes(reader.u8()))
  return strings
}

type OptRecord = { readonly class: number; readonly ttl: number; readonly bytes: Uint8Array }

/** Removes the OPT record from the section; RFC 6891 6.1.1 allows one, with the root as owner. */
function takeOpt(reader: PacketReader, additional: ResourceRecord[]): OptRecord | undefined {
  const at = additional.findIndex((record) => record.type === TYPE.OPT)
  const [opt] = at < 0 ? [] : additional.splice(at, 1)
  if (opt === undefined) return undefined
  if (additional.some((record) => record.type === TYPE.OPT)) reader.fail('two-opt-records')
  if (opt.name !== ROOT || opt.data.kind !== 'opaque') reader.fail('bad-rdata')
  return { class: opt.class, ttl: opt.ttl, bytes: opt.data.kind === 'opaque' ? opt.data.bytes : new Uint8Array(0) }
}

function ednsOf(reader: PacketReader, opt: OptRecord): Edns {
  const inner = new PacketReader(Buffer.from(opt.bytes.buffer, opt.bytes.byteOffset, opt.bytes.length), 0)
  const options: EdnsOption[] = []
  while (inner.problem === undefined && inner.remaining > 0) {
    options.push({ code: inner.u16(), bytes: inner.bytes(inner.u16()) })
  }
  if (inner.problem !== undefined) reader.fail('bad-rdata')
  return {
    udpSize: opt.class,
    version: Math.floor(opt.ttl / 0x10000) & 0xff,
    dnssecOk: (opt.ttl & 0x8000) !== 0,
    options,
  }
}
