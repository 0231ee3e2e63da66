import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import fc from 'fast-check'

import { CLOSE, encodeFrame, FrameReader } from './websocket-frames.ts'
import { parseSize } from './remote-streams.ts'

/** What a client sends: the same frame, masked. */
function masked(frame: Buffer, options: { readonly opcode?: number; readonly final?: boolean } = {}): Buffer {
  const head = (frame[1] as number) === 126 ? 4 : (frame[1] as number) === 127 ? 10 : 2
  const key = Buffer.from([0x12, 0x34, 0x56, 0x78])
  const body = Buffer.from(frame.subarray(head).map((byte, i) => byte ^ (key[i & 3] as number)))
  const start = Buffer.from(frame.subarray(0, head))
  start[0] = (options.final === false ? 0 : 0x80) | (options.opcode ?? (frame[0] as number) & 0x0f)
  start[1] = (start[1] as number) | 0x80
  return Buffer.concat([start, key, body])
}

describe('WebSocket frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }),
        (payloads, cuts) => {
          const bytes = Buffer.concat(payloads.map((data) => masked(encodeFrame('binary', data))))
          const reader = new FrameReader(1000)
          const got: Buffer[] = []
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const size = cuts[i % cuts.length] as number
            const { messages, problem } = reader.push(bytes.subarray(at, at + size))
            assert.equal(problem, undefined)
            got.push(...messages.map((message) => ('data' in message ? message.data : Buffer.alloc(0))))
            at += size
          }
          assert.deepEqual(
            got.map((data) => data.toString('hex')),
            payloads.map((data) => Buffer.from(data).toString('hex')),
          )
        },
      ),
    )
  })

  it('join fragments, with control frames between them', () => {
    const reader = new FrameReader(100)
    const part = (text: string): Buffer => encodeFrame('binary', Buffer.from(text))
    const { messages } = reader.push(
      Buffer.concat([
        masked(part('ab'), { final: false }),
        masked(encodeFrame('ping', Buffer.from('p'))),
        masked(part('cd'), { opcode: 0 }),
      ]),
    )
    assert.deepEqual(
      messages.map((message) => [message.type, 'data' in message ? message.data.toString() : '']),
      [
        ['ping', 'p'],
        ['binary', 'abcd'],
      ],
    )
  })

  it('that break the rules end the connection with the code of the rule', () => {
    const codeOf = (bytes: Uint8Array): number | undefined => new FrameReader(100).push(bytes).problem?.code
    assert.equal(codeOf(encodeFrame('binary', Buffer.from('x'))), CLOSE.protocol, 'not masked')
    assert.equal(
      codeOf(masked(encodeFrame('binary', Buffer.from('x')), { opcode: 0 })),
      CLOSE.protocol,
      'continues nothing',
    )
    assert.equal(codeOf(masked(encodeFrame('ping', Buffer.from('x')), { final: false })), CLOSE.protocol, 'cut ping')
    assert.equal(codeOf(masked(encodeFrame('binary', Buffer.from('x')), { opcode: 5 })), CLOSE.protocol, 'opcode 5')
    assert.equal(codeOf(masked(encodeFrame('binary', Buffer.alloc(101)))), CLOSE.tooBig)
    assert.equal(
      codeOf(Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
      CLOSE.tooBig,
    )
  })

  it('never make the reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        new FrameReader(32).push(bytes)
      }),
    )
  })
})

describe('terminal sizes', () => {
  it('are taken when they are sizes', () => {
    assert.deepEqual(parseSize(Buffer.from('{"Width":80,"Height":24}')), { columns: 80, rows: 24 })
    for (const bad of ['{"Width":0,"Height":24}', '{"Width":80}', '{"Width":1e9,"Height":1}', 'null', '{', '']) {
      assert.equal(parseSize(Buffer.from(bad)), undefined, bad)
    }
  })
})
