/**
 * Queries over TCP (RFC 7766) and TLS (RFC 7858): one connection an upstream, many queries under way on it at once, kept
 * for a while after the last reply. A connection that its server has meanwhile given up is replaced, once, without the
 * query noticing.
 */
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '#lib'
import { messageOf } from '#lib'
import type { Exchange, Outcome, StreamExchange } from './exchange.ts'
import type { Upstream } from './upstream.ts'
import { upstreamText } from './upstream.ts'
import { readReply } from './upstream-query.ts'

export type StreamPool = {
  readonly exchange: StreamExchange
  close(): void
}

export type StreamPoolOptions = {
  readonly clock: Clock
  /** Must not be predictable. */
  readonly random: (below: number) => number
  /** How long a connection without queries is kept. */
  readonly idleMilliseconds: number
}

type Pending = { readonly exchange: Exchange; readonly finish: (outcome: Outcome) => void }

/** One connection's queries: RFC 7766 has no bound; this one keeps IDs sparse enough to be found at random. */
const MAX_PENDING = 1000
const NOTHING = Buffer.alloc(0)

export function createStreamPool(options: StreamPoolOptions): StreamPool {
  const open = new Map<string, Connection>()

  const connectionTo = (upstream: Upstream): Connection => {
    const key = upstreamText(upstream)
    const known = open.get(key)
    if (known !== undefined && !known.closed && known.pending.size < MAX_PENDING) return known
    const fresh = new Connection(upstream, options, (closed) => {
      if (open.get(key) === closed) open.delete(key)
    })
    open.set(key, fresh)
    return fresh
  }

  return {
    exchange: async (exchange) => {
      const connection = connectionTo(exchange.upstream)
      const used = connection.replies > 0
      const outcome = await connection.ask(exchange)
      const stale = outcome.kind === 'failed' && used && connection.closed && !exchange.signal.aborted
      return stale ? connectionTo(exchange.upstream).ask(exchange) : outcome
    },
    close: () => {
      for (const connection of open.values()) connection.end('closing')
    },
  }
}

class Connection {
  readonly pending = new Map<number, Pending>()
  closed = false
  replies = 0
  readonly #socket: Socket
  readonly #options: StreamPoolOptions
  readonly #onClosed: (self: Connection) => void
  #buffered: Buffer = NOTHING
  #cancelIdle = (): void => undefined

  constructor(upstream: Upstream, options: StreamPoolOptions, onClosed: (self: Connection) => void) {
    this.#options = options
    this.#onClosed = onClosed
    this.#socket = dial(upstream)
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (error) => this.end(messageOf(error)))
    this.#socket.on('close', () => this.end('closed before the reply was complete'))
    this.#socket.on('end', () => this.end('closed before the reply was complete'))
    this.#socket.on('data', (chunk) => this.#read(chunk))
  }

  ask(exchange: Exchange): Promise<Outcome> {
    const { signal, packet } = exchange
    if (signal.aborted) return Promise.resolve({ kind: 'failed', why: 'cancelled' })
    this.#cancelIdle()
    this.#socket.ref()
    let id = this.#options.random(0x10000)
    while (this.pending.has(id)) id = this.#options.random(0x10000)
    return new Promise((resolve) => {
      const finish = (outcome: Outcome): void => {
        if (!this.pending.delete(id)) return
        signal.removeEventListener('abort', cancel)
        if (this.pending.size === 0 && !this.closed) this.#rest()
        resolve(outcome)
      }
      const cancel = (): void => finish({ kind: 'failed', why: 'cancelled' })
      signal.addEventListener('abort', cancel, { once: true })
      this.pending.set(id, { exchange: { ...exchange, id }, finish })
      const framed = Buffer.allocUnsafe(2 + packet.length)
      framed.writeUInt16BE(packet.length, 0)
      packet.copy(framed, 2)
      framed.writeUInt16BE(id, 2)
      this.#socket.write(framed)
    })
  }

  end(why: string): void {
    if (this.closed) return
    this.closed = true
    this.#cancelIdle()
    this.#onClosed(this)
    this.#socket.destroy()
    for (const { finish } of this.pending.values()) finish({ kind: 'failed', why })
  }

  /** Nobody waits for it, so it keeps no process alive either. */
  #rest(): void {
    this.#cancelIdle()
    this.#socket.unref()
    this.#cancelIdle = this.#options.clock.after(this.#options.idleMilliseconds, () => this.end('idle'))
  }

  #read(chunk: Buffer): void {
    let buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
      const end = 2 + buffered.readUInt16BE(0)
      this.#reply(Buffer.from(buffered.subarray(2, end)))
      buffered = buffered.subarray(end)
    }
    this.#buffered = buffered
  }

  #reply(packet: Buffer): void {
    const waiting = packet.length < 2 ? undefined : this.pending.get(packet.readUInt16BE(0))
    if (waiting === undefined) return
    const { exchange, finish } = waiting
    const message = readReply(packet, exchange.id, exchange.question)
    if (message === undefined) {
      // On a stream nobody else can have written this: the server is confused, and its next reply may be anybody's.
      this.end('the reply does not belong to the question')
      return
    }
    this.replies++
    finish({ kind: 'reply', packet, message })
  }
}

function dial(upstream: Upstream): Socket {
  const { address: host, port, tls } = upstream
  if (tls === undefined) return connect({ host, port, noDelay: true })
  const { serverName, ca } = tls
  return connectTls({
    host,
    port,
    ALPNProtocols: ['dot'],
    minVersion: 'TLSv1.2',
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(ca === undefined ? {} : { ca }),
  })
}
