/**
 * A million packets at the DNS parser and at the whole responder: random bytes, mutations of good packets, and structures
 * made to hurt (pointer chains, forged counts, names at their limits). Nothing may throw, nothing may take long, and
 * memory stays bounded. The seed is printed, and SIGNALBOX_FUZZ_SEED repeats a run; SIGNALBOX_FUZZ_PACKETS is how many.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { silentLogger } from '#lib'

import { answered } from '../src/dns/resolve.ts'
import { createResponder } from '../src/dns/server/index.ts'
import { createQuickRandom } from '../src/dns/server/shuffle-runs.ts'
import { queryPacket } from '../src/dns/testing/dns-client.ts'
import { addressBytes, encodeMessage, parseMessage, parseQuery, scanRecords } from '../src/dns/wire/index.ts'

const PACKETS = Number(process.env['SIGNALBOX_FUZZ_PACKETS'] ?? 1_000_000)
const SEED = Number(process.env['SIGNALBOX_FUZZ_SEED'] ?? Date.now() % 1_000_000_007)
const random = createQuickRandom(SEED)

const query = queryPacket('_http._tcp.web.testns.svc.cluster.local', 'SRV', { udpSize: 1232 })
const parsed = parseMessage(queryPacket('web.testns.svc.cluster.local', 'A'))
assert.ok(parsed.ok)
const [question] = parsed.message.questions
assert.ok(question !== undefined)
const apex = question.name
const reply = encodeMessage({
  ...parsed.message,
  response: true,
  answers: Array.from({ length: 6 }, (_, i) => ({
    name: apex,
    type: 1,
    class: 1,
    ttl: 30,
    data: { kind: 'address', bytes: addressBytes(`10.0.0.${i}`) },
  })),
  authority: [{ name: apex, type: 2, class: 1, ttl: 30, data: { kind: 'name', target: apex } }],
})
const seeds = [query, reply, queryPacket('a.b', 'A'), queryPacket('.', 'NS')]

function mutated(): Buffer {
  const seed = seeds[random(seeds.length)] as Buffer
  const packet = Buffer.from(seed.subarray(0, random(4) === 0 ? random(seed.length + 1) : seed.length))
  for (let left = random(6); left > 0 && packet.length > 0; left--) packet[random(packet.length)] = random(256)
  return random(8) === 0 ? Buffer.concat([packet, packet.subarray(0, random(packet.length + 1))]) : packet
}

function noise(): Buffer {
  const packet = Buffer.alloc(random(200))
  for (let i = 0; i < packet.length; i++) packet[i] = random(256)
  return packet
}

/** Pointers at each other, at themselves, into the header; counts that promise 65535 records. */
function hostile(): Buffer {
  const packet = Buffer.alloc(12 + random(300))
  packet[5] = 1
  for (let at = 12; at + 1 < packet.length; at += 2) packet.writeUInt16BE(0xc000 | random(packet.length), at)
  if (random(2) === 0) packet.writeUInt16BE(0xffff, 4 + 2 * random(4))
  if (random(2) === 0) packet[2] = 0x80
  return packet
}

test(`${PACKETS} packets, seed ${SEED}`, () => {
  const respond = createResponder({
    resolve: ({ question: { name } }) =>
      answered([{ name, type: 1, class: 1, ttl: 1, data: { kind: 'address', bytes: addressBytes('10.0.0.1') } }], {
        stable: true,
      }),
    random,
    maxUdpBytes: 1232,
    logger: silentLogger,
    version: () => 1,
    cacheEntries: 1000,
  })
  const from = { transport: 'udp', address: '192.0.2.1' } as const
  const makers = [mutated, mutated, noise, hostile]
  const kinds = { good: 0, answered: 0, dropped: 0 }
  const heapBefore = process.memoryUsage().heapUsed
  for (let i = 0; i < PACKETS; i++) {
    const packet = (makers[i % makers.length] as () => Buffer)()
    if (parseMessage(packet).ok) {
      kinds.good++
      assert.ok(scanRecords(packet) !== undefined, packet.toString('hex'))
    } else scanRecords(packet)
    const verdict = parseQuery(packet)
    const said = respond(packet, from)
    if (said === undefined) {
      kinds.dropped++
      assert.equal(verdict.kind, 'drop', packet.toString('hex'))
      continue
    }
    assert.ok(said instanceof Buffer)
    kinds.answered++
    assert.ok(said.length <= 1232 && said.length >= 12, packet.toString('hex'))
    assert.equal(said.readUInt16BE(0), packet.readUInt16BE(0))
    assert.ok(parseMessage(said).ok, packet.toString('hex'))
  }
  const grown = (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20
  assert.ok(grown < 200, `the heap grew by ${grown} MiB`)
  assert.ok(
    kinds.good > PACKETS / 50 && kinds.answered > PACKETS / 10 && kinds.dropped > PACKETS / 50,
    JSON.stringify(kinds),
  )
})
