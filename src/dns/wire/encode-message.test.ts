import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TYPE } from './codes.ts'
import { encodeMessage } from './encode-message.ts'
import type { Message, RecordData, ResourceRecord } from './message.ts'
import type { Name } from './name.ts'
import { nameFromText } from './name.ts'
import { parseMessage } from './parse-message.ts'

const name = (text: string): Name => nameFromText(text) ?? ('' as never)
const record = (owner: string, type: number, data: RecordData): ResourceRecord => ({
  name: name(owner),
  type,
  class: 1,
  ttl: 30,
  data,
})
const reply = (answers: readonly ResourceRecord[]): Message => ({
  id: 1,
  response: true,
  opcode: 0,
  authoritative: true,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [{ name: name('a.example'), type: 255, class: 1 }],
  answers,
  authority: [],
  additional: [],
})
/** Bytes of RDATA of the only answer, whose owner is the question's name: two bytes of pointer, ten of header. */
const dataBytes = (type: number, data: RecordData): number =>
  encodeMessage(reply([record('a.example', type, data)])).length - encodeMessage(reply([])).length - 12

test('which names are compressed: PTR and SOA, not SRV (RFC 2782) and DNAME (RFC 6672)', () => {
  const target = name('b.example')
  assert.equal(dataBytes(TYPE.PTR, { kind: 'name', target }), 4)
  assert.equal(dataBytes(TYPE.DNAME, { kind: 'name', target }), target.length)
  assert.equal(dataBytes(TYPE.SRV, { kind: 'srv', priority: 0, weight: 0, port: 0, target }), 6 + target.length)
})

test('a name beyond the reach of pointers is not pointed at', () => {
  const filler = Array.from({ length: 90 }, () =>
    record('a.example', TYPE.TXT, { kind: 'txt', strings: [new Uint8Array(200)] }),
  )
  const far = Array.from({ length: 3 }, () =>
    record('far.away', TYPE.PTR, { kind: 'name', target: name('x.far.away') }),
  )
  const message = reply([...filler, ...far])
  const packet = encodeMessage(message)
  assert.ok(packet.length > 0x4000)
  assert.deepEqual(parseMessage(packet), { ok: true, message })
})
