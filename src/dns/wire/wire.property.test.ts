/** Properties of the codec: nothing is lost, nothing is thrown, every limit holds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TYPE } from './codes.ts'
import { encodeMessage, MIN_UDP_BYTES } from './encode-message.ts'
import type { Edns, Message, RecordData, ResourceRecord } from './message.ts'
import type { Name } from './name.ts'
import { nameFromLabels, ROOT } from './name.ts'
import { parseMessage } from './parse-message.ts'
import { parseQuery } from './parse-query.ts'

const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength })

/** Few distinct labels, so that compression has something to find; some with every byte there is. */
const label = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('web', 'Web', 'default', 'svc', 'cluster', 'local', 'a.b') },
  { weight: 1, arbitrary: bytes(63, 1).map((raw) => Buffer.from(raw).toString('latin1')) },
)
const name: fc.Arbitrary<Name> = fc.array(label, { maxLength: 7 }).map((labels) => nameFromLabels(labels) ?? ROOT)

const soa: fc.Arbitrary<RecordData> = plain({
  kind: fc.constant('soa' as const),
  mname: name,
  rname: name,
  serial: u32,
  refresh: u32,
  retry: u32,
  expire: u32,
  minimum: u32,
})
const opaqueType = u16.filter((type) => type !== TYPE.OPT && !KNOWN.has(type))
const KNOWN = new Set<number>([1, 2, 5, 6, 12, 15, 16, 28, 33, 39])

const typed: fc.Arbitrary<{ type: number; data: RecordData }> = fc.oneof(
  bytes(4, 4).map((raw) => ({ type: TYPE.A, data: { kind: 'address' as const, bytes: raw } })),
  bytes(16, 16).map((raw) => ({ type: TYPE.AAAA, data: { kind: 'address' as const, bytes: raw } })),
  plain({
    type: fc.constantFrom(TYPE.NS, TYPE.CNAME, TYPE.PTR, TYPE.DNAME),
    data: plain({ kind: fc.constant('name' as const), target: name }),
  }),
  plain({
    type: fc.constant(TYPE.SRV),
    data: plain({ kind: fc.constant('srv' as const), priority: u16, weight: u16, port: u16, target: name }),
  }),
  plain({
    type: fc.constant(TYPE.MX),
    data: plain({ kind: fc.constant('mx' as const), preference: u16, target: name }),
  }),
  soa.map((data) => ({ type: TYPE.SOA, data })),
  fc
    .array(bytes(255), { maxLength: 4 })
    .map((strings) => ({ type: TYPE.TXT, data: { kind: 'txt' as const, strings } })),
  plain({ type: opaqueType, data: bytes(200).map((raw) => ({ kind: 'opaque' as const, bytes: raw })) }),
)
const record: fc.Arbitrary<ResourceRecord> = plain({ name, class: u16, ttl: u32, typed }).map(
  ({ typed: { type, data }, ...rest }) => ({ ...rest, type, data }),
)

const edns: fc.Arbitrary<Edns> = plain({
  udpSize: u16,
  version: fc.integer({ min: 0, max: 255 }),
  dnssecOk: fc.boolean(),
  options: fc.array(plain({ code: u16, bytes: bytes(40) }), { maxLength: 3 }),
})

const message: fc.Arbitrary<Message> = plain({
  id: u16,
  response: fc.boolean(),
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  authenticData: fc.boolean(),
  checkingDisabled: fc.boolean(),
  rcode: fc.integer({ min: 0, max: 0xfff }),
  questions: fc.array(plain({ name, type: u16, class: u16 }), { maxLength: 2 }),
  answers: fc.array(record, { maxLength: 6 }),
  authority: fc.array(record, { maxLength: 2 }),
  additional: fc.array(record, { maxLength: 4 }),
  edns: fc.option(edns, { nil: undefined }),
}).map(({ edns: opt, ...rest }) => (opt === undefined ? { ...rest, rcode: rest.rcode & 15 } : { ...rest, edns: opt }))

test('parse(encode(m)) = m', () => {
  fc.assert(
    fc.property(message, (original) => {
      const parsed = parseMessage(encodeMessage(original))
      assert.deepEqual(parsed, { ok: true, message: original })
    }),
    { numRuns: 800 },
  )
})

test('a limit is kept, what is left is whole, and TC says what is missing', () => {
  fc.assert(
    fc.property(message, fc.integer({ min: MIN_UDP_BYTES, max: 1500 }), (original, limit) => {
      const fixed = 12 + original.questions.reduce((sum, question) => sum + question.name.length + 4, 0)
      const opt = original.edns?.options.reduce((sum, option) => sum + 4 + option.bytes.length, 11) ?? 0
      fc.pre(fixed + opt <= limit)
      const packet = encodeMessage(original, limit)
      assert.ok(packet.length <= limit, `${packet.length} > ${limit}`)
      const parsed = parseMessage(packet)
      assert.ok(parsed.ok)
      const { answers, authority, additional, truncated } = parsed.message
      assert.deepEqual(answers, original.answers.slice(0, answers.length))
      assert.deepEqual(authority, original.authority.slice(0, authority.length))
      assert.deepEqual(additional, original.additional.slice(0, additional.length))
      const cut = answers.length < original.answers.length || authority.length < original.authority.length
      assert.equal(truncated, original.truncated || cut)
      if (cut) assert.equal(additional.length, 0)
    }),
    { numRuns: 500 },
  )
})

test('100,000 random and mutated packets: a message or a problem, never an exception', () => {
  const problems = new Map<string, number>()
  const seeds = fc.sample(message, { numRuns: 300, seed: 1 }).map((value) => encodeMessage(value))
  const random = lcg(20)
  const count = (packet: Buffer): void => {
    const parsed = parseMessage(packet)
    const outcome = parsed.ok ? 'ok' : parsed.problem
    problems.set(outcome, (problems.get(outcome) ?? 0) + 1)
    const { kind } = parseQuery(packet)
    assert.ok(kind === 'query' || kind === 'drop' || kind === 'reject')
  }
  for (let i = 0; i < 100_000; i++) {
    const seed = seeds[i % seeds.length] as Buffer
    count(i % 4 === 0 ? noise(random) : mutate(seed, random))
  }
  // The mill must reach every branch, or it proves nothing.
  for (const outcome of ['ok', 'short-header', 'past-end', 'bad-label', 'bad-pointer', 'bad-rdata']) {
    assert.ok((problems.get(outcome) ?? 0) > 20, `${outcome}: ${problems.get(outcome) ?? 0}`)
  }
})

/** Small and repeatable; quality does not matter here, speed does. */
function lcg(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 0x1_0000_0000) * below)
  }
}

function noise(random: (below: number) => number): Buffer {
  const packet = Buffer.alloc(random(120))
  for (let i = 0; i < packet.length; i++) packet[i] = random(256)
  // Small counts, or nearly every packet fails at its first record.
  for (const at of [4, 6, 8, 10]) if (at < packet.length) packet[at] = 0
  for (const at of [5, 7, 9, 11]) if (at < packet.length) packet[at] = random(3)
  return packet
}

function mutate(seed: Buffer, random: (below: number) => number): Buffer {
  const packet = Buffer.from(random(8) === 0 ? seed.subarray(0, random(seed.length + 1)) : seed)
  for (let left = random(4); left > 0 && packet.length > 0; left--) {
    const at = random(packet.length)
    packet[at] = random(3) === 0 ? 0xc0 | random(4) : random(256)
  }
  return packet
}
