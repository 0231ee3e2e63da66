/** Both ends of a relay over loopback and a unix socket: no namespaces are needed for what they do. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { test } from 'node:test'

import { silentLogger, systemClock } from '#lib'

import { startRelayInside } from './relay-inside.ts'
import type { RelayProtocol, RelayTarget } from './relay-protocol.ts'
import { createUnframer, frame, RELAY_SOCKET } from './relay-protocol.ts'
import { runHostRelays } from './run-host-relays.ts'
import type { HostRelay } from './start-host-relay.ts'
import { startHostRelay } from './start-host-relay.ts'

const common = { clock: systemClock, logger: silentLogger }

async function startBox(t: TestContext, allows: (target: RelayTarget) => boolean = () => true): Promise<string> {
  const runtimeDir = await mkdtemp(join(tmpdir(), 'signalbox-relay-'))
  const inside = await startRelayInside({ runtimeDir, allows, ...common })
  t.after(async () => {
    await inside.close()
    await rm(runtimeDir, { recursive: true })
  })
  return join(runtimeDir, RELAY_SOCKET)
}

async function relayTo(
  t: TestContext,
  port: number,
  more: { readonly protocol?: RelayProtocol; readonly udpIdle?: number; readonly socketPath?: string } = {},
): Promise<HostRelay> {
  const socketPath = more.socketPath ?? (await startBox(t))
  const target = { protocol: more.protocol ?? 'TCP', host: '127.0.0.1', port } as const
  const idle = more.udpIdle === undefined ? {} : { udpIdle: more.udpIdle }
  const relay = await startHostRelay({ socketPath, target, ...idle, ...common })
  t.after(() => relay.close())
  return relay
}

async function serve(t: TestContext, handler: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    handler(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('a large stream comes back whole although the sender closes its half first', async (t) => {
  const port = await serve(t, (socket) => socket.pipe(socket))
  const relay = await relayTo(t, port)
  const sent = Buffer.alloc(3_000_000, 'signalbox ')
  const client = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
  client.end(sent)
  assert.ok((await buffer(client)).equals(sent))
})

test('a server that answers only after the end of the request is heard', async (t) => {
  const port = await serve(t, (socket) => {
    let size = 0
    socket.on('data', (chunk: Buffer) => (size += chunk.length))
    socket.on('end', () => socket.end(`got ${size}`))
  })
  const relay = await relayTo(t, port)
  const client = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
  client.end('12345')
  assert.equal((await buffer(client)).toString(), 'got 5')
})

test('a reader that does not read stops the writer', async (t) => {
  let written = 0
  const total = 40_000_000
  const port = await serve(t, (socket) => {
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (written < total && socket.write(chunk)) written += chunk.length
    }
    socket.on('drain', more)
    more()
  })
  const relay = await relayTo(t, port)
  const client = connect({ port: relay.port, host: '127.0.0.1' })
  client.pause()
  t.after(() => client.destroy())
  let before = -1
  while (before !== written || written === 0) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(written < total, `${written} bytes were taken from the writer`)
})

test('a port nobody listens on resets the connection', async (t) => {
  const port = await serve(t, () => undefined)
  const relay = await relayTo(t, port)
  const closed = await relayTo(t, 1)
  const client = connect({ port: closed.port, host: '127.0.0.1' })
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNRESET')
  assert.match(relay.listen, /^127\.0\.0\.1:\d+$/)
})

test('an address that the box does not allow is not dialled', async (t) => {
  let dialled = false
  const port = await serve(t, () => (dialled = true))
  const socketPath = await startBox(t, (target) => target.port !== port)
  const relay = await relayTo(t, port, { socketPath })
  const client = connect({ port: relay.port, host: '127.0.0.1' })
  await once(client, 'error')
  assert.equal(dialled, false)
})

test('the inner socket belongs to its owner alone', async (t) => {
  const socketPath = await startBox(t)
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600)
})

test('a client that breaks off does not leave its connection open inside', async (t) => {
  const gone = Promise.withResolvers<void>()
  const port = await serve(t, (socket) => {
    socket.once('close', () => gone.resolve())
    socket.once('end', () => socket.end())
    socket.resume()
    socket.write('hello')
  })
  const relay = await relayTo(t, port)
  const client = connect({ port: relay.port, host: '127.0.0.1' })
  await once(client, 'data')
  client.resetAndDestroy()
  await gone.promise
})

async function udpEcho(t: TestContext): Promise<{ port: number; sources: Set<number> }> {
  const sources = new Set<number>()
  const server = createSocket('udp4')
  server.on('message', (message, from) => {
    sources.add(from.port)
    server.send(`${from.port}:${message.toString()}`, from.port, from.address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { port: server.address().port, sources }
}

async function ask(t: TestContext, port: number): Promise<(text: string) => Promise<string>> {
  const client = createSocket('udp4')
  client.bind(0, '127.0.0.1')
  await once(client, 'listening')
  t.after(() => client.close())
  return async (message) => {
    client.send(message, port, '127.0.0.1')
    const [answer] = (await once(client, 'message')) as [Buffer]
    return answer.toString()
  }
}

test('UDP: each client has a flow of its own, which is kept between datagrams and ends when idle', async (t) => {
  const echo = await udpEcho(t)
  const relay = await relayTo(t, echo.port, { protocol: 'UDP', udpIdle: 150 })
  const [one, two] = [await ask(t, relay.port), await ask(t, relay.port)]
  const first = await one('a')
  assert.match(first, /^\d+:a$/)
  assert.equal((await one('b')).split(':')[0], first.split(':')[0])
  assert.notEqual((await two('c')).split(':')[0], first.split(':')[0])
  assert.equal(echo.sources.size, 2)
  await new Promise((resolve) => setTimeout(resolve, 400))
  await one('d')
  assert.equal(echo.sources.size, 3)
})

test('datagrams are found again whatever the stream does to them', () => {
  const sent = ['one', '', 'x'.repeat(3000)].map((text) => Buffer.from(text))
  const stream = Buffer.concat(sent.map(frame))
  for (const size of [1, 2, 3, 7, 5000]) {
    const got: Buffer[] = []
    const take = createUnframer((datagram) => got.push(Buffer.from(datagram)))
    for (let at = 0; at < stream.length; at += size) take(stream.subarray(at, at + size))
    assert.deepEqual(got, sent)
  }
})

test('relays follow what is wanted: they appear, move and vanish, and the others keep their connections', async (t) => {
  const [a, b] = [await serve(t, (socket) => socket.end('a')), await serve(t, (socket) => socket.pipe(socket))]
  const relays = runHostRelays({ socketPath: await startBox(t), ...common })
  t.after(() => relays.close())
  const wanted = (name: string, port: number) =>
    ({ name, target: { protocol: 'TCP', host: '127.0.0.1', port } }) as const
  relays.want([wanted('one', a), wanted('two', b)])
  await relays.settled()
  assert.deepEqual(
    relays.list().map(({ name, port }) => [name, port]),
    [
      ['one', a],
      ['two', b],
    ],
  )
  const kept = connect({ port: Number(relays.list()[1]?.listen.split(':')[1]), host: '127.0.0.1' })
  kept.write('ping')
  await once(kept, 'data')
  relays.want([wanted('two', b)])
  await relays.settled()
  assert.deepEqual(
    relays.list().map((relay) => relay.name),
    ['two'],
  )
  kept.write('pong')
  assert.equal(String((await once(kept, 'data'))[0]), 'pong')
  kept.destroy()
})

test('a taken port is replaced by a free one', async (t) => {
  const port = await serve(t, (socket) => socket.end('x'))
  const socketPath = await startBox(t)
  const target = { protocol: 'TCP', host: '127.0.0.1', port } as const
  const relay = await startHostRelay({ socketPath, target, preferredPort: port, ...common })
  t.after(() => relay.close())
  assert.notEqual(relay.port, port)
})
