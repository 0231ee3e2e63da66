/** The role as a whole: from API objects to answers, through outages, to a clean end. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ENDPOINTSLICES, NAMESPACES, SERVICES } from '#api'
import { hasCode, silentLogger, systemClock } from '#lib'
import { createFakeApi } from '#watch'
import { DEFAULT_DNS_CONFIG } from './dns-config.ts'
import type { RunDnsOptions } from './run-dns.ts'
import { runDns } from './run-dns.ts'
import type { Server } from './testing/dns-client.ts'
import { askTcp, askUdp, framed, queryPacket, replyOf, sendTcp, sendUdp } from './testing/dns-client.ts'
import { fakeUpstream } from './testing/fake-upstream.ts'
import { clusterIp, endpoint, headless, namespaceOf, sliceOf } from './testing/fixture-cluster.ts'
import { startFixture } from './testing/start-fixture.ts'
import { formatData, rcodeName } from './wire/index.ts'

const S = 'testns.svc.cluster.local'
const common = { clock: systemClock, logger: silentLogger, listen: { addresses: ['127.0.0.1'], port: 0 } }

async function answer(server: Server, name: string, type = 'A'): Promise<string> {
  const { message } = await askUdp(server, [name, type])
  return message.answers.map((record) => formatData(record.data)).join(' ') || rcodeName(message.rcode)
}

async function http(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return `${response.status} ${(await response.text()).trim()}`
}

test('from a client: ready after the lists, answers follow the watch, and outlast the API server', async () => {
  const api = createFakeApi({ clock: systemClock })
  await api.client.create(NAMESPACES, namespaceOf('testns'))
  await api.client.create(SERVICES, clusterIp('web', ['10.96.1.1']))
  const ready = Promise.withResolvers<void>()
  const stop = new AbortController()
  const dns = await runDns({
    ...common,
    source: { client: api.client },
    signal: stop.signal,
    healthAddress: '127.0.0.1:0',
    onReady: ready.resolve,
  })
  const [server] = dns.bound
  assert.ok(server !== undefined && dns.healthPort !== undefined)
  await ready.promise
  assert.equal(await answer(server, `web.${S}`), '10.96.1.1')
  assert.equal(await http(dns.healthPort, '/ready'), '200 OK')

  await api.client.create(SERVICES, headless('db'))
  await api.client.create(ENDPOINTSLICES, sliceOf({ service: 'db', endpoints: [endpoint('10.1.0.1')] }))
  let seen = ''
  while (seen !== '10.1.0.1') seen = await answer(server, `db.${S}`)

  api.dropWatches()
  assert.equal(await answer(server, `db.${S}`), '10.1.0.1')
  assert.equal(await http(dns.healthPort, '/ready'), '200 OK')
  stop.abort()
  await dns.close()
})

test('an event is answered by the next question', async () => {
  const server = await startFixture()
  server.informers.services.put(clusterIp('web', ['10.96.9.9']))
  assert.equal(await answer(server, `web.${S}`), '10.96.9.9')
  server.informers.services.remove('testns/web')
  assert.equal(await answer(server, `web.${S}`), 'NXDOMAIN')
  server.informers.namespaces.remove('testns')
  assert.equal(await answer(server, `dual.${S}`), 'NXDOMAIN')
  await server.dns.close()
})

test('section 12: not synced is SERVFAIL, un-ready and healthy; reverse names do not leak upstream', async () => {
  const upstream = await fakeUpstream({})
  const server = await startFixture({ healthAddress: '127.0.0.1:0', upstreams: [`127.0.0.1:${upstream.port}`] }, false)
  const port = server.dns.healthPort ?? 0
  assert.equal(await answer(server, `nothing.${S}`), 'SERVFAIL')
  assert.equal(await answer(server, `web.${S}`), '10.96.1.1')
  assert.equal(await answer(server, '7.7.7.7.in-addr.arpa', 'PTR'), 'SERVFAIL')
  assert.deepEqual(upstream.asked, [])
  assert.equal(await http(port, '/ready'), '503 services\nendpointslices\nnamespaces')
  assert.equal(await http(port, '/health'), '200 OK')
  assert.equal(await http(port, '/other'), '404 not found')
  for (const informer of Object.values(server.informers)) informer.finishSync()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await http(port, '/ready'), '200 OK')
  assert.equal(await answer(server, `nothing.${S}`), 'NXDOMAIN')
  assert.equal(await answer(server, '7.7.7.7.in-addr.arpa', 'PTR'), 'NXDOMAIN')
  assert.deepEqual(upstream.asked, ['7.7.7.7.in-addr.arpa. PTR udp'])
  await server.dns.close()
  await upstream.close()
})

test('section 12: upstream down, ExternalName is SERVFAIL, and so are other names', async () => {
  const server = await startFixture({ upstreams: ['127.0.0.1:1'] })
  assert.equal(await answer(server, `ext.${S}`), 'SERVFAIL')
  assert.equal(await answer(server, 'www.example.com'), 'SERVFAIL')
  assert.equal(await answer(server, `ext.${S}`, 'CNAME'), 'www.example.com.')
  await server.dns.close()
})

test('section 13.3: cluster names are not held up by a dead upstream on one TCP connection', async () => {
  const upstream = await fakeUpstream({ 'slow.example.com.': { silent: true } })
  const forward = { ...DEFAULT_DNS_CONFIG.forward, totalMilliseconds: 150 }
  const server = await startFixture({ upstreams: [`127.0.0.1:${upstream.port}`], forward })
  const packets = ['slow.example.com', `web.${S}`, `dual.${S}`].map((name, i) => queryPacket(name, 'A', { id: i }))
  const replies = await sendTcp(server, Buffer.concat(packets.map(framed)), 3)
  assert.deepEqual(
    replies.map((packet) => {
      const { message } = replyOf(packet)
      return `${message.id} ${rcodeName(message.rcode)}`
    }),
    ['1 NOERROR', '2 NOERROR', '0 SERVFAIL'],
  )
  await server.dns.close()
  await upstream.close()
})

test('IPv4 and IPv6, UDP and TCP', async () => {
  const server = await startFixture({ listen: { addresses: ['127.0.0.1', '::1'], port: 0 } })
  assert.equal(server.dns.bound.length, 2)
  for (const bound of server.dns.bound) {
    assert.equal(await answer(bound, `web.${S}`), '10.96.1.1')
    assert.equal((await askTcp(bound, [`web.${S}`, 'A'])).message.answers.length, 1)
  }
  await server.dns.close()
})

test('close answers what is under way, and frees the port', async () => {
  const upstream = await fakeUpstream({ 'slow.example.com.': { silent: true } })
  const forward = { ...DEFAULT_DNS_CONFIG.forward, totalMilliseconds: 150 }
  const server = await startFixture({ upstreams: [`127.0.0.1:${upstream.port}`], forward })
  const reply = sendUdp(server, queryPacket('slow.example.com', 'A'))
  while (upstream.asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([server.dns.close(), server.dns.close()])
  assert.equal(rcodeName(replyOf(await reply).message.rcode), 'SERVFAIL')
  const again = await startFixture({ listen: { addresses: [server.address], port: server.port } })
  assert.equal(await answer(again, `web.${S}`), '10.96.1.1')
  await again.dns.close()
  await new Promise<void>((resolve, reject) => {
    connect(server.port, server.address, () => reject(new Error('still listening'))).once('error', () => resolve())
  })
  await upstream.close()
})

test('mistakes of the configuration and taken ports are named', async () => {
  const server = await startFixture()
  const run = (config: Partial<RunDnsOptions>) =>
    runDns({ ...common, source: { informers: server.informers }, signal: AbortSignal.timeout(5000), ...config })
  const fails = async (config: Partial<RunDnsOptions>, code: `SBX_${string}`): Promise<void> => {
    await assert.rejects(run(config), (error) => hasCode(error, code))
  }
  await fails({ zone: 'a..b' }, 'SBX_DNS_CONFIG')
  await fails({ reverseCidrs: ['10.96.0.0'] }, 'SBX_DNS_CONFIG')
  await fails({ upstreams: ['dns.example'] }, 'SBX_DNS_CONFIG')
  await fails({ healthAddress: 'everywhere' }, 'SBX_DNS_CONFIG')
  await fails({ listen: { addresses: [server.address], port: server.port } }, 'SBX_DNS_LISTEN')
  await server.dns.close()
})
