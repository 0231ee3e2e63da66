import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage } from './parse-message.ts'
import { parseQuery } from './parse-query.ts'

const header = (counts: readonly [number, number, number, number], flags = 0x0100): Buffer => {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(7, 0)
  bytes.writeUInt16BE(flags, 2)
  counts.forEach((count, i) => bytes.writeUInt16BE(count, 4 + 2 * i))
  return bytes
}
const packet = (counts: readonly [number, number, number, number], ...body: (string | number[])[]): Buffer =>
  Buffer.concat([
    header(counts),
    ...body.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  ])

const problemOf = (bytes: Buffer): string => {
  const parsed = parseMessage(bytes)
  return parsed.ok ? 'ok' : parsed.problem
}

test('compression pointers: loops, forward ones and those into the header are refused', () => {
  assert.equal(problemOf(packet([1, 0, 0, 0], [0xc0, 12, 0, 1, 0, 1])), 'bad-pointer')
  assert.equal(problemOf(packet([1, 0, 0, 0], [0xc0, 20, 0, 1, 0, 1, 0, 0, 0])), 'bad-pointer')
  assert.equal(problemOf(packet([1, 0, 0, 0], [0xc0, 4, 0, 1, 0, 1])), 'bad-pointer')
  assert.equal(problemOf(packet([2, 0, 0, 0], '\x01a\xc0\x0c', [0, 1, 0, 1], '\xc0\x0c', [0, 1, 0, 1])), 'bad-pointer')
  assert.equal(problemOf(packet([2, 0, 0, 0], '\x01a\0', [0, 1, 0, 1], '\x01b\xc0\x0c', [0, 1, 0, 1])), 'ok')
})

test('a chain of pointers is followed sixteen times at most', () => {
  const chain = (length: number): Buffer => {
    const parts: (string | number[])[] = ['\x01a\0', [0, 1, 0, 1]]
    for (let i = 0; i < length; i++) parts.push([0xc0, i === 0 ? 12 : 19 + 6 * (i - 1), 0, 1, 0, 1])
    return packet([length + 1, 0, 0, 0], ...parts)
  }
  assert.equal(problemOf(chain(16)), 'ok')
  assert.equal(problemOf(chain(17)), 'bad-pointer')
})

test('labels of the reserved kinds and names beyond 255 bytes', () => {
  assert.equal(problemOf(packet([1, 0, 0, 0], [0x40, 0, 0, 1, 0, 1])), 'bad-label')
  assert.equal(problemOf(packet([1, 0, 0, 0], `${'\x07abcdefg'.repeat(32)}\0`, [0, 1, 0, 1])), 'name-too-long')
})

test('a forged count ends with the packet', () => {
  assert.equal(problemOf(packet([0xffff, 0xffff, 0xffff, 0xffff], '\x01a\0', [0, 1, 0, 1])), 'past-end')
})

test('RDATA that is shorter or longer than its length says', () => {
  const answer = (type: number, data: number[], length = data.length): Buffer =>
    packet([0, 1, 0, 0], [0, 0, type, 0, 1, 0, 0, 0, 0, 0, length, ...data])
  assert.equal(problemOf(answer(1, [1, 2, 3, 4])), 'ok')
  assert.equal(problemOf(answer(1, [1, 2, 3])), 'bad-rdata')
  assert.equal(problemOf(answer(1, [1, 2, 3, 4], 5)), 'past-end')
  assert.equal(problemOf(answer(2, [0, 0])), 'bad-rdata')
  assert.equal(problemOf(answer(16, [3, 1, 2, 3, 1])), 'past-end')
})

test('parseQuery: what is dropped, refused, and read (reference section 8)', () => {
  const kind = (bytes: Buffer): string => {
    const verdict = parseQuery(bytes)
    return verdict.kind === 'reject' ? `reject ${verdict.rcode} ${verdict.why}` : verdict.kind
  }
  const question: readonly [string, number[]] = ['\x03web\0', [0, 1, 0, 1]]
  const opt = [0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0]
  assert.equal(kind(Buffer.alloc(5)), 'drop')
  assert.equal(kind(Buffer.concat([header([1, 0, 0, 0], 0x8100), Buffer.from('\0\0\x01\0\x01')])), 'drop')
  assert.equal(kind(Buffer.concat([header([1, 0, 0, 0], 0x2000), Buffer.from('\0\0\x01\0\x01')])), 'reject 4 opcode')
  assert.equal(kind(Buffer.concat([header([1, 0, 0, 0], 0x2800), Buffer.from('\0\0\x01\0\x01')])), 'reject 4 opcode')
  assert.equal(kind(packet([0, 0, 0, 0])), 'reject 1 counts')
  assert.equal(kind(packet([2, 0, 0, 0], ...question, ...question)), 'reject 1 counts')
  assert.equal(kind(packet([1, 2, 0, 0], ...question)), 'reject 1 counts')
  assert.equal(kind(packet([1, 0, 0, 3], ...question, opt, opt, opt)), 'reject 1 counts')
  assert.equal(kind(packet([1, 0, 0, 0], '\x03we')), 'reject 1 past-end')
  assert.equal(kind(packet([1, 0, 0, 0], [0xc0, 12, 0, 1, 0, 1])), 'reject 1 bad-pointer')
  assert.equal(kind(packet([1, 0, 0, 2], ...question, opt, opt)), 'reject 1 two-opt-records')
  assert.equal(kind(packet([1, 0, 0, 0], ...question, 'trailing garbage')), 'query')
  const verdict = parseQuery(packet([1, 0, 0, 1], ...question, opt))
  assert.ok(verdict.kind === 'query')
  assert.deepEqual(verdict.query.edns, { udpSize: 1232, version: 0, dnssecOk: true, options: [] })
})
