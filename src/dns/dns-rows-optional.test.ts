/** Rows of the query table that rest on what is off by default: `pods verified` (58, 60) and zone transfer (77, 78). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askTcp, askUdp, framed, queryPacket, replyOf, sendTcp } from './testing/dns-client.ts'
import { check, shown } from './testing/expect-reply.ts'
import { podOf } from './testing/fixture-cluster.ts'
import { startFixture } from './testing/start-fixture.ts'
import type { Message, ResourceRecord } from './wire/index.ts'
import { encodeMessage, nameFromText, nameToText, rcodeName, TYPE, typeName } from './wire/index.ts'

const S = 'testns.svc.cluster.local'
const NXDOMAIN = { rcode: 'NXDOMAIN' } as const

test('DNS rows 58 and 60: pods verified', async () => {
  const server = await startFixture({ pods: 'verified' })
  const ask = (name: string, type = 'A') => askUdp(server, [`${name}.pod.cluster.local`, type], { udpSize: 1232 })
  check(await ask('10-1-0-1.testns'), { answers: ['A 10.1.0.1'] })
  check(await ask('10-1-0-1.otherns'), NXDOMAIN)
  check(await ask('1-2-3-4.testns'), NXDOMAIN)
  check(await ask('10-1-0-200.testns'), NXDOMAIN)
  check(await ask('fd00-1--101.testns', 'AAAA'), { answers: ['AAAA fd00:1::101'] })
  check(await ask('fd00-1--101.testns'), {})

  server.informers.pods.put(podOf('new', ['1.2.3.4']))
  check(await ask('1-2-3-4.testns'), { answers: ['A 1.2.3.4'] })
  server.informers.pods.remove('testns/new')
  check(await ask('1-2-3-4.testns'), NXDOMAIN)
  await server.dns.close()
})

test('pods verified: SERVFAIL while the pods have not been listed', async () => {
  const server = await startFixture({ pods: 'verified' }, false)
  const { message } = await askUdp(server, ['1-2-3-4.testns.pod.cluster.local', 'A'])
  assert.equal(rcodeName(message.rcode), 'SERVFAIL')
  await server.dns.close()
})

async function transfer(server: { address: string; port: number }): Promise<readonly ResourceRecord[]> {
  const packets = await sendTcp(server, framed(queryPacket('cluster.local', 'AXFR')), 2)
  return packets.flatMap((packet) => replyOf(packet).message.answers)
}

test('DNS row 77: AXFR is the whole zone between two SOAs, with the answers that questions get', async () => {
  const server = await startFixture({ transferTo: ['127.0.0.1'], ownAddresses: ['192.0.2.53', '2001:db8::53'] })
  const records = await transfer(server)
  assert.deepEqual([records[0]?.type, records.at(-1)?.type], [TYPE.SOA, TYPE.SOA])
  assert.equal(records.filter(({ type }) => type === TYPE.SOA).length, 2)
  const of = (name: string): string[] =>
    shown(records.filter((record) => nameToText(record.name) === name && record.type !== TYPE.SOA))
  assert.deepEqual(of('cluster.local.'), ['NS ns.dns.cluster.local.'])
  assert.deepEqual(of('ns.dns.cluster.local.'), ['A 192.0.2.53', 'AAAA 2001:db8::53'])
  assert.deepEqual(of(`web.${S}.`), ['A 10.96.1.1'])
  assert.deepEqual(of(`dup.hdls.${S}.`), ['A 10.1.0.5', 'A 10.1.0.6'])
  assert.deepEqual(of(`ext.${S}.`), ['CNAME www.example.com.'])
  const asked = await askTcp(server, [`_http._tcp.hdls.${S}`, 'SRV'])
  assert.deepEqual(of(`_http._tcp.hdls.${S}.`), shown(asked.message.answers))
  assert.deepEqual(
    records.filter(({ type }) => type === TYPE.PTR),
    [],
  )
  await server.dns.close()
})

function ixfr(serial: number): Buffer {
  const zone = nameFromText('cluster.local') ?? ('' as never)
  const names = { mname: zone, rname: zone, refresh: 0, retry: 0, expire: 0, minimum: 0 }
  const query: Message = {
    ...replyOf(queryPacket('cluster.local', 'IXFR')).message,
    authority: [{ name: zone, type: TYPE.SOA, class: 1, ttl: 0, data: { kind: 'soa', serial, ...names } }],
  }
  return encodeMessage(query)
}

test('DNS row 78: IXFR with the current serial is one SOA, with another the whole zone', async () => {
  const server = await startFixture({ transferTo: ['127.0.0.0/8'] })
  const [soa] = (await askTcp(server, ['cluster.local', 'SOA'])).message.answers
  assert.ok(soa?.data.kind === 'soa')
  const current = await sendTcp(server, framed(ixfr(soa.data.serial)), 1)
  assert.deepEqual(
    replyOf(current[0] ?? Buffer.alloc(0)).message.answers.map(({ type }) => typeName(type)),
    ['SOA'],
  )
  const older = await sendTcp(server, framed(ixfr(1)), 1)
  assert.ok(replyOf(older[0] ?? Buffer.alloc(0)).message.answers.length > 50)
  await server.dns.close()
})

test('transfer is refused to who is not named, over UDP, and for other names', async () => {
  const server = await startFixture({ transferTo: ['127.0.0.1'] })
  const rcode = async (reply: Promise<{ message: Message }>): Promise<string> => rcodeName((await reply).message.rcode)
  assert.equal(await rcode(askUdp(server, ['cluster.local', 'AXFR'])), 'REFUSED')
  assert.equal(await rcode(askTcp(server, [S, 'AXFR'])), 'REFUSED')
  await server.dns.close()
  const closed = await startFixture({ transferTo: ['192.0.2.1'] })
  assert.equal(await rcode(askTcp(closed, ['cluster.local', 'AXFR'])), 'REFUSED')
  await closed.dns.close()
})
