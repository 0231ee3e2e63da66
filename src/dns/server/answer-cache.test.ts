/** The cache of encoded answers: what is patched, what is not answered from it, and when it forgets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '#lib'
import type { Resolver } from '../resolve.ts'
import { answered } from '../resolve.ts'
import { queryPacket, replyOf } from '../testing/dns-client.ts'
import type { ResourceRecord } from '../wire/index.ts'
import { addressBytes, formatData, nameToText, TYPE } from '../wire/index.ts'
import { createResponder } from './respond.ts'

const udp = { transport: 'udp', address: '192.0.2.1' } as const
const tcp = { transport: 'tcp', address: '192.0.2.1' } as const

function server(count: number, maxEntries = 100) {
  const state = { version: 1, asked: 0 }
  const resolve: Resolver = ({ question: { name, type } }) => {
    state.asked++
    const answers = Array.from({ length: count }, (_, i): ResourceRecord => {
      return {
        name,
        type: TYPE.A,
        class: 1,
        ttl: 30,
        data: { kind: 'address', bytes: addressBytes(`10.0.${i >> 8}.${i & 255}`) },
      }
    })
    return answered(type === TYPE.A ? answers : [], { stable: true })
  }
  const respond = createResponder({
    resolve,
    random: () => 12_345,
    maxUdpBytes: 1232,
    logger: silentLogger,
    version: () => state.version,
    cacheEntries: maxEntries,
  })
  const ask = (packet: Buffer, from: typeof udp | typeof tcp = udp): Buffer => {
    const reply = respond(packet, from)
    assert.ok(reply instanceof Buffer)
    return reply
  }
  return { state, ask }
}

test('a question asked again is not resolved again, and its reply is its own: ID, RD, CD, DO, spelling', () => {
  const { state, ask } = server(3)
  ask(queryPacket('web.example', 'A', { udpSize: 1232 }))
  const query = queryPacket('WeB.eXample', 'A', { udpSize: 1232, dnssecOk: true, id: 77, recursionDesired: false })
  query[3] = (query[3] as number) | 0x10
  const { message, packet } = replyOf(ask(query))
  assert.equal(state.asked, 1)
  assert.deepEqual(
    [message.id, message.recursionDesired, message.checkingDisabled, message.edns?.dnssecOk, message.authoritative],
    [77, false, true, true, true],
  )
  assert.deepEqual(packet.subarray(12, 12 + 13), query.subarray(12, 12 + 13))
  assert.ok(message.answers.every(({ name }) => nameToText(name) === 'WeB.eXample.'))
  const plain = replyOf(ask(queryPacket('web.example', 'A')))
  assert.equal(plain.message.edns, undefined)
  assert.equal(plain.message.recursionDesired, true)
})

test('type, class and the presence of EDNS are parts of the question', () => {
  const { state, ask } = server(1)
  for (const [type, options] of [
    ['A', {}],
    ['AAAA', {}],
    ['A', { udpSize: 512 }],
    ['A', { class: 3 }],
  ] as const) {
    ask(queryPacket('web.example', type, options))
    ask(queryPacket('web.example', type, options))
  }
  assert.equal(state.asked, 4)
})

test('another version of the data: nothing of the one before is answered', () => {
  const { state, ask } = server(1)
  ask(queryPacket('web.example', 'A'))
  state.version++
  ask(queryPacket('web.example', 'A'))
  assert.equal(state.asked, 2)
})

test('a reply that was cut is not remembered; a whole one is not given to who cannot take it', () => {
  const { state, ask } = server(60)
  assert.ok(replyOf(ask(queryPacket('web.example', 'A'))).message.truncated)
  assert.ok(replyOf(ask(queryPacket('web.example', 'A'))).message.truncated)
  assert.equal(state.asked, 2)
  assert.equal(replyOf(ask(queryPacket('web.example', 'A'), tcp)).message.answers.length, 60)
  assert.equal(replyOf(ask(queryPacket('web.example', 'A'), tcp)).message.answers.length, 60)
  assert.equal(state.asked, 3)
  assert.ok(replyOf(ask(queryPacket('web.example', 'A'))).message.truncated)
  const withSize = (udpSize: number) => replyOf(ask(queryPacket('web.example', 'A', { udpSize }))).message
  assert.equal(withSize(1232).answers.length, 60)
  assert.ok(withSize(600).truncated)
})

test('addresses change places from reply to reply, and none is lost', () => {
  const { ask } = server(8)
  const orders = new Set<string>()
  for (let i = 0; i < 20; i++) {
    const data = replyOf(ask(queryPacket('web.example', 'A'))).message.answers.map((record) => formatData(record.data))
    assert.equal(new Set(data).size, 8)
    orders.add(data.join())
  }
  assert.ok(orders.size > 10, `${orders.size} orders`)
})

test('what is not an ordinary query takes the long way: trailing bytes, other EDNS versions, more records', () => {
  const { state, ask } = server(1)
  const good = queryPacket('web.example', 'A', { udpSize: 1232 })
  ask(good)
  ask(Buffer.concat([good, Buffer.from([0])]))
  assert.equal(state.asked, 2)
  assert.equal(replyOf(ask(queryPacket('web.example', 'A', { udpSize: 1232, ednsVersion: 1 }))).message.rcode, 16)
  assert.equal(state.asked, 2)
})

test('memory is bounded, and what is asked for stays', () => {
  const { state, ask } = server(1, 10)
  for (let i = 0; i < 200; i++) {
    ask(queryPacket('kept.example', 'A'))
    ask(queryPacket(`n${i}.example`, 'A'))
  }
  assert.equal(state.asked, 201)
  ask(queryPacket('n0.example', 'A'))
  assert.equal(state.asked, 202)
})
