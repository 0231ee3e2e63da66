import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constants, createInflate } from 'node:zlib'

import fc from 'fast-check'

import type { SpdyStream } from './spdy-connection.ts'
import { parseHeaders, SpdyConnection } from './spdy-connection.ts'
import { controlFrame, dataFrame, spdyHeaders, StreamOpener } from '../testing/spdy-frames.ts'
import { SPDY_DICTIONARY } from './spdy-dictionary.ts'

/** The client's end: headers compressed in one context after another, as every client does it. */
class Client {
  readonly sent: Buffer[] = []
  readonly streams: SpdyStream[] = []
  readonly events: string[] = []
  failed = false
  readonly connection = new SpdyConnection(
    { send: (bytes) => this.sent.push(bytes) > 0, fail: () => (this.failed = true) },
    (stream) => {
      this.streams.push(stream)
      const name = stream.headers.get('streamtype') ?? ''
      stream.onData = (chunk) => this.events.push(`${name} ${chunk.toString()}`)
      stream.onEnd = () => this.events.push(`${name} end`)
    },
  )
  readonly #opener = new StreamOpener()

  async open(id: number, headers: Readonly<Record<string, string>>, flags = 0): Promise<void> {
    this.connection.push(await this.#opener.synStream(id, headers, flags))
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

describe('SPDY', () => {
  it('opens streams with their headers, answers each, and passes data and ends both ways', async () => {
    const client = new Client()
    await client.open(1, { streamtype: 'error', port: '80' }, 1)
    await client.open(3, { streamtype: 'data', port: '80' })
    client.connection.push(Buffer.concat([dataFrame(3, 'hello'), dataFrame(3, '', true)]))
    await settled()
    assert.deepEqual(client.events, ['error end', 'data hello', 'data end'])
    assert.deepEqual(
      [...(client.streams[1]?.headers ?? [])],
      [
        ['streamtype', 'data'],
        ['port', '80'],
      ],
    )
    const replies = client.sent.filter((frame) => frame.readUInt32BE(0) === 0x8003_0002)
    assert.deepEqual(
      replies.map((frame) => frame.readUInt32BE(8)),
      [1, 3],
    )
    const inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH })
    const headers: Buffer[] = []
    inflate.on('data', (chunk: Buffer) => headers.push(chunk))
    for (const frame of replies)
      await new Promise<void>((resolve) => inflate.write(frame.subarray(12), () => resolve()))
    assert.equal(
      Buffer.concat(headers).toString('hex'),
      '0000000000000000',
      'two blocks with no headers, in one context',
    )
    client.sent.length = 0
    client.streams[1]?.write(Buffer.from('back'))
    client.streams[1]?.end()
    client.streams[1]?.end()
    assert.deepEqual(
      client.sent.map((frame) => frame.toString('hex')),
      [dataFrame(3, 'back').toString('hex'), dataFrame(3, '', true).toString('hex')],
    )
  })

  it('answers the client’s pings and nobody’s else', async () => {
    const client = new Client()
    const ping = (id: number): Buffer => controlFrame(6, Buffer.from([0, 0, 0, id]))
    client.connection.push(Buffer.concat([ping(1), ping(2), ping(3)]))
    await settled()
    assert.deepEqual(
      client.sent.map((frame) => frame[11]),
      [1, 3],
    )
  })

  it('ends with what is no SPDY, and ends its streams then', async () => {
    const client = new Client()
    await client.open(1, { streamtype: 'data' })
    await settled()
    client.connection.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    client.connection.push(Buffer.from([0x80, 0x02, 0, 1, 0, 0, 0, 0]))
    await settled()
    assert.equal(client.failed, true)
    assert.deepEqual(client.events, ['data end'])
  })

  it('survives anything', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }),
        fc.nat(10),
        async (chunks, type) => {
          const client = new Client()
          for (const chunk of chunks) client.connection.push(controlFrame(type, Buffer.from(chunk)))
          await new Promise((resolve) => setImmediate(resolve))
          client.connection.close()
        },
      ),
    )
  })

  it('reads header blocks or says that they are none', () => {
    assert.deepEqual([...(parseHeaders(spdyHeaders({ Port: '1' })) ?? [])], [['port', '1']])
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void parseHeaders(Buffer.from(bytes))))
    assert.equal(parseHeaders(Buffer.from([0, 0, 0, 9, 0, 0])), undefined)
  })
})
