/**
 * The server's side of SPDY/3.1 as far as Kubernetes uses it (SPDY Protocol Draft 3.1; moby/spdystream): streams that the
 * client opens, each with headers, data both ways and a half-close; pings. No flow control: the other end has none either,
 * so the transport's own backpressure is what there is.
 */
import type { Deflate, Inflate } from 'node:zlib'
import { constants, createDeflate, createInflate } from 'node:zlib'

import { SPDY_DICTIONARY } from './spdy-dictionary.ts'

export interface SpdyStream {
  readonly headers: ReadonlyMap<string, string>
  /** To be set in the turn in which the stream is announced. */
  onData: (data: Buffer) => void
  /** The client sends no more. */
  onEnd: () => void
  write(data: Uint8Array): boolean
  /** Sends no more. */
  end(): void
}

export type SpdyTransport = {
  /** False: congested. */
  readonly send: (bytes: Buffer) => boolean
  /** The connection is of no more use. */
  readonly fail: () => void
}

const VERSION = 3
const TYPE = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const
const FIN = 1
const MAX_FRAME = 1_048_576
const MAX_HEADERS = 65_536
const MAX_STREAMS = 512
const CHUNK = 32_768

type Open = SpdyStream & { remoteEnded: boolean; localEnded: boolean }

export class SpdyConnection {
  readonly #transport: SpdyTransport
  readonly #onStream: (stream: SpdyStream) => void
  readonly #streams = new Map<number, Open>()
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY, flush: constants.Z_SYNC_FLUSH })
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY })
  #inflated: Buffer[] = []
  #pending: Buffer = Buffer.alloc(0)
  /** Frames are handled one after the other: the compression of headers has a state that goes from one to the next. */
  #work: Promise<void> = Promise.resolve()
  #closed = false

  constructor(transport: SpdyTransport, onStream: (stream: SpdyStream) => void) {
    this.#transport = transport
    this.#onStream = onStream
    this.#inflate.on('data', (chunk: Buffer) => this.#inflated.push(chunk))
    this.#inflate.on('error', () => this.#fail())
  }

  push(chunk: Buffer): void {
    if (this.#closed) return
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (this.#pending.length >= 8) {
      const length = this.#pending.readUIntBE(5, 3)
      if (length > MAX_FRAME) return this.#fail()
      if (this.#pending.length < 8 + length) return
      const frame = this.#pending.subarray(0, 8 + length)
      this.#pending = this.#pending.subarray(8 + length)
      this.#work = this.#work.then(() => this.#handle(frame)).catch(() => this.#fail())
    }
  }

  /** Every stream ends; nothing is sent any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const stream of this.#streams.values()) if (!stream.remoteEnded) stream.onEnd()
    this.#streams.clear()
    this.#inflate.close()
    this.#deflate.close()
  }

  #fail(): void {
    if (this.#closed) return
    this.close()
    this.#transport.fail()
  }

  async #handle(frame: Buffer): Promise<void> {
    if (this.#closed) return
    const flags = frame[4] as number
    const body = frame.subarray(8)
    const first = frame.readUInt32BE(0)
    if (first < 0x8000_0000) return this.#data(first, body, flags)
    if (((first >>> 16) & 0x7fff) !== VERSION) return this.#fail()
    switch (first & 0xffff) {
      case TYPE.synStream:
        return this.#opened(body, flags)
      case TYPE.rstStream:
        return this.#remoteEnd(body.readUInt32BE(0))
      case TYPE.ping:
        // Odd ones are the client's.
        if ((body.readUInt32BE(0) & 1) === 1) this.#transport.send(frame)
        return
      case TYPE.goAway:
      default:
        // Settings, window updates and what else there is do not matter without flow control.
        return
    }
  }

  #data(id: number, data: Buffer, flags: number): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    if (data.length > 0 && !stream.remoteEnded) stream.onData(data)
    if ((flags & FIN) !== 0) this.#remoteEnd(id)
  }

  #remoteEnd(id: number): void {
    const stream = this.#streams.get(id)
    if (stream === undefined || stream.remoteEnded) return
    stream.remoteEnded = true
    stream.onEnd()
    if (stream.localEnded) this.#streams.delete(id)
  }

  async #opened(body: Buffer, flags: number): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fff_ffff
    const headers = parseHeaders(await this.#decompress(body.subarray(10)))
    if (headers === undefined || this.#streams.has(id) || (id & 1) === 0) return this.#fail()
    if (this.#streams.size >= MAX_STREAMS) {
      const refused = Buffer.alloc(8)
      refused.writeUInt32BE(id)
      // REFUSED_STREAM
      refused.writeUInt32BE(3, 4)
      this.#transport.send(control(TYPE.rstStream, refused))
      return
    }
    const stream = this.#createStream(id, headers)
    this.#streams.set(id, stream)
    await this.#reply(id)
    if (this.#closed) return
    this.#onStream(stream)
    if ((flags & FIN) !== 0) this.#remoteEnd(id)
  }

  #createStream(id: number, headers: ReadonlyMap<string, string>): Open {
    const stream: Open = {
      headers,
      remoteEnded: false,
      localEnded: false,
      onData: () => undefined,
      onEnd: () => undefined,
      write: (data) => {
        if (stream.localEnded || this.#closed) return true
        let flows = true
        for (let at = 0; at < data.length; at += CHUNK)
          flows = this.#transport.send(dataFrame(id, data.subarray(at, at + CHUNK), 0))
        return flows
      },
      end: () => {
        if (stream.localEnded || this.#closed) return
        stream.localEnded = true
        this.#transport.send(dataFrame(id, Buffer.alloc(0), FIN))
        if (stream.remoteEnded) this.#streams.delete(id)
      },
    }
    return stream
  }

  async #reply(id: number): Promise<void> {
    // A block with no headers in it.
    const block = await this.#compress(Buffer.alloc(4))
    const head = Buffer.alloc(4)
    head.writeUInt32BE(id)
    this.#transport.send(control(TYPE.synReply, Buffer.concat([head, block])))
  }

  async #decompress(block: Buffer): Promise<Buffer> {
    this.#inflated = []
    if (block.length > MAX_HEADERS) throw new Error('the headers are too large')
    await new Promise<void>((resolve, reject) => {
      this.#inflate.once('error', reject)
      this.#inflate.write(block, () => {
        this.#inflate.off('error', reject)
        resolve()
      })
    })
    const headers = Buffer.concat(this.#inflated)
    if (headers.length > MAX_HEADERS) throw new Error('the headers are too large')
    return headers
  }

  async #compress(block: Buffer): Promise<Buffer> {
    const chunks: Buffer[] = []
    const collect = (chunk: Buffer): void => void chunks.push(chunk)
    this.#deflate.on('data', collect)
    this.#deflate.write(block)
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve))
    this.#deflate.off('data', collect)
    return Buffer.concat(chunks)
  }
}

function control(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8000 | VERSION)
  head.writeUInt16BE(type, 2)
  head.writeUIntBE(body.length, 5, 3)
  return Buffer.concat([head, body])
}

function dataFrame(id: number, data: Uint8Array, flags: number): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(id)
  head[4] = flags
  head.writeUIntBE(data.length, 5, 3)
  return Buffer.concat([head, data])
}

/** Names are lower case on the wire. Undefined: not a block of headers. */
export function parseHeaders(block: Buffer): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>()
  let at = 0
  const take = (): string | undefined => {
    if (at + 4 > block.length) return undefined
    const end = at + 4 + block.readUInt32BE(at)
    if (end > block.length) return undefined
    const text = block.toString('utf8', at + 4, end)
    at = end
    return text
  }
  if (block.length < 4) return undefined
  const count = block.readUInt32BE(0)
  at = 4
  for (let i = 0; i < count; i += 1) {
    const name = take()
    const value = take()
    if (name === undefined || value === undefined) return undefined
    headers.set(name.toLowerCase(), value)
  }
  return headers
}
