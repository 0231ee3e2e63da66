/** Transport rules of the reference's section 8, over real sockets with a scripted responder. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { silentLogger, systemClock } from '#lib'
import { framed, sendTcp } from '../testing/dns-client.ts'
import { createClientCounts } from './client-counts.ts'
import type { Responder } from './responder.ts'
import type { TcpLimits } from './tcp-connection.ts'
import { DEFAULT_TCP_LIMITS } from './tcp-connection.ts'
import type { TcpListener } from './tcp-listener.ts'
import { listenTcp } from './tcp-listener.ts'

const start = async (
  respond: Responder,
  limits: Partial<TcpLimits> = {},
): Promise<TcpListener & { readonly address: string }> => {
  const all = { ...DEFAULT_TCP_LIMITS, ...limits }
  const listener = await listenTcp({
    address: '127.0.0.1',
    port: 0,
    respond,
    clock: systemClock,
    limits: all,
    connections: createClientCounts({ total: all.maxConnections, perClient: all.maxConnectionsPerClient }),
    logger: silentLogger,
  })
  return { ...listener, address: '127.0.0.1' }
}

const text = (packets: readonly Buffer[]): string[] => packets.map((packet) => packet.toString())
const query = (word: string): Buffer => framed(Buffer.from(word))

test('section 13.3: a slow query holds up nobody behind it', async () => {
  const slow = Promise.withResolvers<Buffer>()
  const listener = await start((packet) => (packet.toString() === 'slow' ? slow.promise : Buffer.from(packet)))
  const order: string[] = []
  const socket = connect(listener.port, listener.address)
  socket.write(Buffer.concat([query('slow'), query('one'), query('two')]))
  const all = Promise.withResolvers<void>()
  socket.on('data', (chunk) => {
    order.push(chunk.toString('latin1').replaceAll(/\0./g, ' ').trim())
    if (order.join(' ') === 'one two') slow.resolve(Buffer.from('slow'))
    if (order.join(' ') === 'one two slow') all.resolve()
  })
  await all.promise
  socket.destroy()
  await listener.close()
})

test('queries may come in pieces, and several in one', async () => {
  const listener = await start((packet) => Buffer.from(packet))
  const socket = connect(listener.port, listener.address)
  socket.setNoDelay(true)
  const bytes = Buffer.concat([query('first'), query('second')])
  const received = Promise.withResolvers<string>()
  let got = ''
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1')
    if (got.length === bytes.length) received.resolve(got)
  })
  for (const byte of bytes) {
    socket.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(await received.promise, bytes.toString('latin1'))
  socket.destroy()
  await listener.close()
})

test('at most maxInFlight queries are under way, the rest wait', async () => {
  const waiting: (() => void)[] = []
  let most = 0
  let under = 0
  const listener = await start(
    (packet) => {
      const reply = Promise.withResolvers<Buffer>()
      const copy = Buffer.from(packet)
      most = Math.max(most, ++under)
      waiting.push(() => {
        under--
        reply.resolve(copy)
      })
      setImmediate(() => waiting.shift()?.())
      return reply.promise
    },
    { maxInFlight: 2 },
  )
  const words = Array.from({ length: 9 }, (_, i) => `q${i}`)
  const replies = await sendTcp(listener, Buffer.concat(words.map(query)), 9)
  assert.deepEqual(text(replies), words)
  assert.equal(most, 2)
  await listener.close()
})

test('a client that finishes sending still gets its answers', async () => {
  const listener = await start((packet) => {
    const copy = Buffer.from(packet)
    return new Promise((resolve) => setImmediate(() => resolve(copy)))
  })
  const socket = connect({ port: listener.port, host: listener.address, allowHalfOpen: true })
  socket.end(query('last'))
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await new Promise((resolve) => socket.on('end', resolve))
  assert.equal(Buffer.concat(chunks).toString('latin1'), query('last').toString('latin1'))
  socket.destroy()
  await listener.close()
})

test('no query in time: the connection is closed, bytes alone do not help', async () => {
  const listener = await start((packet) => Buffer.from(packet), { firstQueryMilliseconds: 40 })
  assert.deepEqual(await sendTcp(listener, Buffer.from([0, 9, 1]), 1), [])
  await listener.close()
})

test('idle after an answer: the connection is closed', async () => {
  const listener = await start((packet) => Buffer.from(packet), { idleMilliseconds: 40 })
  assert.deepEqual(text(await sendTcp(listener, query('one'), 2)), ['one'])
  await listener.close()
})

test('a connection beyond the limit of its client is closed, and the place comes back', async () => {
  const listener = await start((packet) => Buffer.from(packet), { maxConnectionsPerClient: 1 })
  const first = connect(listener.port, listener.address)
  await new Promise((resolve) => first.once('connect', resolve))
  first.write(query('hold'))
  await new Promise((resolve) => first.once('data', resolve))
  const refused = await sendTcp(listener, query('two'), 1).catch(() => [])
  assert.deepEqual(refused, [])
  first.destroy()
  let later: Buffer[] = []
  while (later.length === 0) later = await sendTcp(listener, query('three'), 1).catch(() => [])
  assert.deepEqual(text(later), ['three'])
  await listener.close()
})

test('replies nobody reads stop the reading, then end the connection', async () => {
  const big = Buffer.alloc(60_000)
  let answered = 0
  const listener = await start(
    () => {
      answered++
      return big
    },
    { writeMilliseconds: 60 },
  )
  const socket = connect(listener.port, listener.address)
  socket.pause()
  socket.on('error', () => undefined)
  const asked = 5000
  socket.write(Buffer.concat(Array.from({ length: asked }, () => query('x'))))
  await new Promise((resolve) => {
    socket.once('close', resolve)
    // A paused socket learns of the end only by writing.
    const probe = setInterval(() => {
      if (socket.destroyed) clearInterval(probe)
      else socket.write(query('y'))
    }, 20)
  })
  assert.ok(answered < asked, `${answered} of ${asked} answered into the void`)
  await listener.close()
})
