/** Policies, probes, shared connections and DNS over TLS, against real upstreams on loopback. */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { systemClock } from '#lib'
import { framed } from '../testing/dns-client.ts'
import type { FakeUpstream } from '../testing/fake-upstream.ts'
import { answersOnce, fakeUpstream } from '../testing/fake-upstream.ts'
import { CLASS, nameFromText, TYPE } from '../wire/index.ts'
import type { ForwarderOptions, ForwardResult } from './create-forwarder.ts'
import { createForwarder, DEFAULT_FORWARD_LIMITS } from './create-forwarder.ts'
import type { Upstream } from './upstream.ts'
import { parseUpstream, upstreamText } from './upstream.ts'
import type { ForwardQuestion } from './upstream-query.ts'

const script = { 'www.example.com.': { addresses: ['192.0.2.1'] } }
const stop = new AbortController()
let one: FakeUpstream
let two: FakeUpstream

before(async () => {
  one = await fakeUpstream(script)
  two = await fakeUpstream(script)
})

after(async () => {
  stop.abort()
  await Promise.all([one.close(), two.close()])
})

const ask = (name = 'www.example.com'): ForwardQuestion => ({
  question: { name: nameFromText(name) ?? ('' as never), type: TYPE.A, class: CLASS.IN },
  recursionDesired: true,
  authenticData: false,
  checkingDisabled: false,
  edns: undefined,
})
const forwarder = (upstreams: readonly Upstream[], more: Partial<ForwarderOptions> = {}) =>
  createForwarder({
    upstreams,
    clock: systemClock,
    random: randomInt,
    signal: stop.signal,
    ...more,
    limits: { ...DEFAULT_FORWARD_LIMITS, hedgeMilliseconds: 50, totalMilliseconds: 1500, ...more.limits },
  })
const answersOf = (result: ForwardResult): number => (result.kind === 'reply' ? result.message.answers.length : -1)
const counts = (): [number, number] => [one.asked.length, two.asked.length]
const grown = async (run: () => Promise<unknown>): Promise<[number, number]> => {
  const [a, b] = counts()
  await run()
  const [c, d] = counts()
  return [c - a, d - b]
}
const repeat = async (times: number, run: () => unknown): Promise<void> => {
  for (let i = 0; i < times; i++) await run()
}

test('sequential asks the first, round_robin each in turn, random both', async () => {
  const sequential = forwarder([one, two], { policy: 'sequential' })
  assert.deepEqual(await grown(() => repeat(6, () => sequential.forward(ask(), 'c'))), [6, 0])
  const inTurn = forwarder([one, two], { policy: 'round_robin' })
  assert.deepEqual(await grown(() => repeat(6, () => inTurn.forward(ask(), 'c'))), [3, 3])
  const random = forwarder([one, two], { policy: 'random' })
  const [first, second] = await grown(() => repeat(40, () => random.forward(ask(), 'c')))
  assert.ok(first > 5 && second > 5, `${first} and ${second}`)
})

test('parallel asks all at once and takes the first good reply', async () => {
  const dead = { address: '127.0.0.1', port: 1 }
  const all = forwarder([dead, one, two], { policy: 'parallel' })
  const both = await grown(async () => assert.equal(answersOf(await all.forward(ask(), 'c')), 1))
  assert.ok(both[0] + both[1] >= 1)
})

test('an upstream that fell silent is probed with ". NS", and asked again once it replies', async () => {
  let mute = true
  const silent = await answersOnce(() => !mute, script)
  const failures: Upstream[] = []
  const limits = { ...DEFAULT_FORWARD_LIMITS, hedgeMilliseconds: 20, totalMilliseconds: 60, probeMilliseconds: 20 }
  const observer = { probeFailed: (upstream: Upstream) => failures.push(upstream) }
  const pair = createForwarder({
    upstreams: [silent, one],
    limits,
    observer,
    clock: systemClock,
    random: randomInt,
    signal: stop.signal,
  })
  assert.equal(answersOf(await pair.forward(ask(), 'c')), 1)
  while (failures.length === 0) await systemClock.sleep(5)
  assert.ok(silent.asked.includes('. NS udp'))
  mute = false
  let before = silent.asked.filter((line) => line.startsWith('www')).length
  const asked = (): number => silent.asked.filter((line) => line.startsWith('www')).length
  while (asked() === before) {
    before = asked()
    await pair.forward(ask(), 'c')
    await systemClock.sleep(5)
  }
  await silent.close()
})

test('force_tcp: no UDP at all, and many questions share one connection, answered in any order', async () => {
  let connections = 0
  const held: { socket: Socket; packet: Buffer }[] = []
  const server = createTcpServer((socket) => {
    connections++
    let buffered = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk])
      while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
        const end = 2 + buffered.readUInt16BE(0)
        held.push({ socket, packet: Buffer.from(buffered.subarray(2, end)) })
        buffered = buffered.subarray(end)
      }
      if (held.length < 3) return
      for (const { socket: to, packet } of held.splice(0).reverse()) {
        packet[2] = (packet[2] as number) | 0x80
        to.write(framed(packet))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const tcp = forwarder([{ address: '127.0.0.1', port }], {
    forceTcp: true,
    limits: { ...DEFAULT_FORWARD_LIMITS, hedgeMilliseconds: 5000 },
  })
  const names = ['a.example', 'b.example', 'c.example']
  const results = await Promise.all(names.map(async (name) => tcp.forward(ask(name), 'c')))
  assert.deepEqual(
    results.map((result) => (result.kind === 'reply' ? result.message.questions[0]?.name : result.kind)),
    names.map((name) => nameFromText(name)),
  )
  assert.equal(connections, 1)
  server.close()
})

async function certificate(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=dns.example',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'dns.example' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: made.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') }
}

test('DNS over TLS: by name and by address, and not with a certificate of somebody else', async () => {
  const { cert, key } = await certificate()
  const server = createTlsServer({ cert, key, ALPNProtocols: ['dot'] }, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      const packet = Buffer.from(bytes.subarray(2))
      packet[2] = (packet[2] as number) | 0x80
      socket.write(framed(packet))
    })
  }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => undefined)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const at = { address: '127.0.0.1', port }
  const result = async (tls: NonNullable<Upstream['tls']>): Promise<string> => {
    const secure = forwarder([{ ...at, tls }], { limits: { ...DEFAULT_FORWARD_LIMITS, maxTries: 1 } })
    return (await secure.forward(ask(), 'c')).kind
  }
  assert.equal(await result({ ca: cert }), 'reply')
  assert.equal(await result({ ca: cert, serverName: 'dns.example' }), 'reply')
  assert.equal(await result({ ca: cert, serverName: 'other.example' }), 'failed')
  assert.equal(await result({}), 'failed')
  server.close()
})

test('upstreams over TLS as text', () => {
  assert.deepEqual(parseUpstream('tls://9.9.9.9'), { address: '9.9.9.9', port: 853, tls: {} })
  const named = { address: '9.9.9.9', port: 8853, tls: { serverName: 'dns.quad9.net' } }
  assert.deepEqual(parseUpstream('tls://9.9.9.9:8853#dns.quad9.net'), named)
  assert.equal(upstreamText(named), 'tls://9.9.9.9:8853#dns.quad9.net')
  for (const text of ['9.9.9.9#dns.quad9.net', 'https://9.9.9.9', 'tls://', 'tls://9.9.9.9#']) {
    assert.equal(parseUpstream(text), undefined, text)
  }
})
