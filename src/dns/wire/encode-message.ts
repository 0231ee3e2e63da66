/**
 * A message to bytes: always compressed, cut to the receiver's limit.
 *
 * Names are compressed as owners and inside NS, CNAME, PTR, MX and SOA; the targets of SRV (RFC 2782) and DNAME (RFC
 * 6672) are written plain but may be pointed at. Answer, authority and additional are filled in that order. TC is set
 * when an answer or authority record was left out; additional records that do not fit are left out silently, which
 * saves SRV clients a second round trip over TCP.
 */
import { TYPE } from './codes.ts'
import type { Edns, Message, RecordData, ResourceRecord } from './message.ts'
import { FLAG, HEADER_BYTES } from './message.ts'
import { ROOT } from './name.ts'
import { PacketWriter } from './packet-writer.ts'

export const MAX_MESSAGE_BYTES = 0xffff
/** RFC 1035 2.3.4: what every UDP client takes. */
export const MIN_UDP_BYTES = 512

const writer = new PacketWriter()

/** `limit`: most bytes the receiver takes; 65535 (TCP) if not given. The result is the caller's own. */
export function encodeMessage(message: Message, limit: number = MAX_MESSAGE_BYTES): Buffer {
  const { edns, questions, answers, authority, additional } = message
  writer.reset()
  for (const question of questions) {
    writer.name(question.name, true)
    writer.u16(question.type)
    writer.u16(question.class)
  }
  const room = limit - (edns === undefined ? 0 : optBytes(edns))
  const answered = writeRecords(answers, room)
  const whole = answered === answers.length
  const authorised = whole ? writeRecords(authority, room) : 0
  const complete = whole && authorised === authority.length
  const added = complete ? writeRecords(additional, room) : 0
  if (edns !== undefined) writeOpt(edns, message.rcode)
  const { packet } = writer
  packet.writeUInt16BE(message.id, 0)
  packet.writeUInt16BE(flagsOf(message, !complete), 2)
  packet.writeUInt16BE(questions.length, 4)
  packet.writeUInt16BE(answered, 6)
  packet.writeUInt16BE(authorised, 8)
  packet.writeUInt16BE(added + (edns === undefined ? 0 : 1), 10)
  return writer.copy()
}

/** The twelve bytes of a reply to a query that could not be read. */
export function encodeHeader(header: {
  readonly id: number
  readonly opcode: number
  readonly recursionDesired: boolean
  readonly rcode: number
}): Buffer {
  const packet = Buffer.alloc(HEADER_BYTES)
  packet.writeUInt16BE(header.id, 0)
  packet.writeUInt16BE(
    FLAG.QR | (header.opcode << 11) | (header.recursionDesired ? FLAG.RD : 0) | (header.rcode & 15),
    2,
  )
  return packet
}

function flagsOf(message: Message, cut: boolean): number {
  return (
    (message.response ? FLAG.QR : 0) |
    (message.opcode << 11) |
    (message.authoritative ? FLAG.AA : 0) |
    (message.truncated || cut ? FLAG.TC : 0) |
    (message.recursionDesired ? FLAG.RD : 0) |
    (message.recursionAvailable ? FLAG.RA : 0) |
    (message.authenticData ? FLAG.AD : 0) |
    (message.checkingDisabled ? FLAG.CD : 0) |
    (message.rcode & 15)
  )
}

/** Writes records while they fit into `room`; how many did. */
function writeRecords(records: readonly ResourceRecord[], room: number): number {
  for (let i = 0; i < records.length; i++) {
    const start = writer.offset
    const record = records[i] as ResourceRecord
    writer.name(record.name, true)
    writer.u16(record.type)
    writer.u16(record.class)
    writer.u32(record.ttl)
    const lengthAt = writer.offset
    writer.u16(0)
    writeData(record.data, record.type)
    writer.packet.writeUInt16BE((writer.offset - lengthAt - 2) & 0xffff, lengthAt)
    if (writer.offset > room) {
      writer.offset = start
      return i
    }
  }
  return records.length
}

function writeData(data: RecordData, type: number): void {
  switch (data.kind) {
    case 'address':
    case 'opaque':
      return writer.bytes(data.bytes)
    case 'name':
      return writer.name(data.target, type !== TYPE.DNAME)
    case 'mx':
      writer.u16(data.preference)
      return writer.name(data.target, true)
    case 'srv':
      writer.u16(data.priority)
      writer.u16(data.weight)
      writer.u16(data.port)
      return writer.name(data.target, false)
    case 'soa':
      writer.name(data.mname, true)
      writer.name(data.rname, true)
      writer.u32(data.serial)
      writer.u32(data.refresh)
      writer.u32(data.retry)
      writer.u32(data.expire)
      return writer.u32(data.minimum)
    case 'txt':
      for (const string of data.strings) {
        writer.u8(string.length)
        writer.bytes(string)
      }
  }
}

function optBytes(edns: Edns): number {
  return edns.options.reduce((sum, option) => sum + 4 + option.bytes.length, 11)
}

function writeOpt(edns: Edns, rcode: number): void {
  writer.name(ROOT, false)
  writer.u16(TYPE.OPT)
  writer.u16(edns.udpSize)
  writer.u8(rcode >> 4)
  writer.u8(edns.version)
  writer.u16(edns.dnssecOk ? 0x8000 : 0)
  writer.u16(optBytes(edns) - 11)
  for (const option of edns.options) {
    writer.u16(option.code)
    writer.u16(option.bytes.length)
    writer.bytes(option.bytes)
  }
}
