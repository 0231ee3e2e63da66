/** SPDY frames as a client makes them. */
import { constants, createDeflate } from 'node:zlib'

import { SPDY_DICTIONARY } from '../streams/spdy-dictionary.ts'

/** A block of headers before its compression. */
export function spdyHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const texts = Object.entries(headers).flat()
  return Buffer.concat([number(texts.length / 2), ...texts.flatMap((text) => [number(text.length), Buffer.from(text)])])
}

export function controlFrame(type: number, body: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8003)
  head.writeUInt16BE(type, 2)
  head[4] = flags
  head.writeUIntBE(body.length, 5, 3)
  return Buffer.concat([head, body])
}

export function dataFrame(id: number, text: string, fin = false): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(id)
  head[4] = fin ? 1 : 0
  head.writeUIntBE(text.length, 5, 3)
  return Buffer.concat([head, Buffer.from(text)])
}

/** Headers are compressed in one context after another, as every client does it. */
export class StreamOpener {
  readonly #deflate = createDeflate({ dictionary: SPDY_DICTIONARY })

  async synStream(id: number, headers: Readonly<Record<string, string>>, flags = 0): Promise<Buffer> {
    const chunks: Buffer[] = []
    this.#deflate.on('data', (chunk: Buffer) => chunks.push(chunk))
    this.#deflate.write(spdyHeaders(headers))
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve))
    this.#deflate.removeAllListeners('data')
    const head = Buffer.alloc(10)
    head.writeUInt32BE(id)
    return controlFrame(1, Buffer.concat([head, ...chunks]), flags)
  }
}
