/** Header and EDNS rules of the reference's section 8, and what a relayed reply looks like. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, before, test } from 'node:test'
import { silentLogger } from '#lib'
import { askUdp, queryPacket, replyOf } from '../testing/dns-client.ts'
import type { FakeUpstream } from '../testing/fake-upstream.ts'
import { fakeUpstream } from '../testing/fake-upstream.ts'
import type { FixtureServer } from '../testing/start-fixture.ts'
import { startFixture } from '../testing/start-fixture.ts'
import { addressText, nameToText, parseMessage, rcodeName } from '../wire/index.ts'
import { createResponder } from './respond.ts'
import { shuffleAddresses } from './shuffle-addresses.ts'

let upstream: FakeUpstream
let server: FixtureServer
const many = Array.from({ length: 100 }, (_, i) => `198.51.100.${i}`)

before(async () => {
  upstream = await fakeUpstream({
    'www.example.com.': { addresses: ['192.0.2.1'], lowered: true, stray: true },
    'many.example.com.': { addresses: many, truncated: true },
  })
  server = await startFixture({ upstreams: [`127.0.0.1:${upstream.port}`] })
})

after(async () => {
  await server.dns.close()
  await upstream.close()
})

/** What comes back first for packets sent in this order from one socket. */
async function firstReply(...packets: Buffer[]): Promise<Buffer> {
  const socket = createSocket('udp4')
  const reply = new Promise<Buffer>((resolve) => socket.once('message', resolve))
  for (const packet of packets) {
    await new Promise((resolve) => socket.send(packet, server.port, server.address, resolve))
  }
  const bytes = await reply
  socket.close()
  return bytes
}

const good = queryPacket('web.testns.svc.cluster.local', 'A', { id: 99 })

test('responses and packets shorter than a header get no reply', async () => {
  const response = Buffer.from(good)
  response.writeUInt16BE(1, 0)
  response[2] = 0x81
  assert.equal((await firstReply(Buffer.alloc(5), response, good)).readUInt16BE(0), 99)
})

test('what cannot be read is FORMERR, other opcodes NOTIMP, both with the header alone', async () => {
  const cut = good.subarray(0, 20)
  const noQuestion = Buffer.from(good)
  noQuestion.writeUInt16BE(0, 4)
  const notify = Buffer.from(good)
  notify[2] = 0x20
  for (const [packet, rcode] of [
    [cut, 1],
    [noQuestion, 1],
    [notify, 4],
  ] as const) {
    const reply = await firstReply(packet)
    assert.equal(reply.length, 12)
    assert.equal(reply.readUInt16BE(0), 99)
    assert.equal((reply[3] as number) & 15, rcode)
    assert.equal((reply[2] as number) & 0x80, 0x80)
  }
})

test('an OPT comes back if and only if one was sent, with DO kept', async () => {
  const plain = await askUdp(server, ['web.testns.svc.cluster.local', 'A'])
  assert.equal(plain.message.edns, undefined)
  const withDo = await askUdp(server, ['web.testns.svc.cluster.local', 'A'], { udpSize: 4096, dnssecOk: true })
  assert.deepEqual(withDo.message.edns, { udpSize: 1232, version: 0, dnssecOk: true, options: [] })
})

test('a relayed reply has the ID and spelling of the client, and ra', async () => {
  const { message } = await askUdp(server, ['wWw.ExAmPlE.cOm', 'A'], { id: 31_337 })
  assert.equal(message.id, 31_337)
  assert.equal(nameToText(message.questions[0]?.name ?? ('' as never)), 'wWw.ExAmPlE.cOm.')
  assert.equal(message.recursionAvailable, true)
  assert.equal(message.authoritative, false)
  assert.deepEqual(
    message.answers.map((record) => (record.data.kind === 'address' ? addressText(record.data.bytes) : '')),
    ['192.0.2.1', '192.0.2.1'],
  )
})

test('of what an upstream says about an ExternalName, only what belongs to it is passed on', async () => {
  const { message } = await askUdp(server, ['ext.testns.svc.cluster.local', 'A'])
  assert.deepEqual(
    message.answers.map((record) => nameToText(record.name)),
    ['ext.testns.svc.cluster.local.', 'www.example.com.'],
  )
})

test('a truncated reply is fetched over TCP, and cut again for a client that cannot take it', async () => {
  const small = await askUdp(server, ['many.example.com', 'A'])
  assert.equal(small.message.truncated, true)
  assert.equal(small.message.answers.length, 0)
  assert.ok(upstream.asked.includes('many.example.com. A tcp'))
})

test('a defect while answering is SERVFAIL, not the end of the process', async () => {
  const respond = createResponder({
    resolve: () => {
      throw new Error('defect')
    },
    random: () => 0,
    maxUdpBytes: 1232,
    logger: silentLogger,
  })
  const reply = await respond(good, { transport: 'udp', address: '192.0.2.1' })
  assert.ok(reply instanceof Buffer)
  assert.equal(rcodeName(replyOf(reply).message.rcode), 'SERVFAIL')
})

test('addresses change places among themselves only, nothing is lost', async () => {
  const { message } = await askUdp(server, ['extsvc.testns.svc.cluster.local', 'A'])
  const [alias, ...rest] = message.answers
  assert.ok(alias !== undefined && rest[0] !== undefined)
  const records = [alias, rest[0], { ...rest[0], ttl: 1 }, { ...rest[0], ttl: 2 }]
  const shuffled = shuffleAddresses(records, (below) => (below === 3 ? 0 : 1))
  assert.equal(shuffled[0], alias)
  assert.notDeepEqual(shuffled, records)
  assert.deepEqual(new Set(shuffled), new Set(records))
})

test('row 81 as bytes: a cut reply still parses', async () => {
  const parsed = parseMessage(await firstReply(queryPacket('hdlsbig.testns.svc.cluster.local', 'A')))
  assert.ok(parsed.ok && parsed.message.truncated)
})
