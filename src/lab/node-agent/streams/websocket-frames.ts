/**
 * WebSocket framing (RFC 6455 section 5): bytes to messages and back. Pure; whoever holds the socket acts on what comes out.
 * Serves the server's side only, so frames that come in must be masked.
 */
export type Message =
  | { readonly type: 'binary' | 'text' | 'ping' | 'pong'; readonly data: Buffer }
  | { readonly type: 'close'; readonly code: number }

/** Close codes of section 7.4.1. */
export const CLOSE = { normal: 1000, goingAway: 1001, protocol: 1002, invalid: 1007, tooBig: 1009 } as const

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const MAX_CONTROL = 125

export type FrameProblem = { readonly code: number; readonly text: string }

export function encodeFrame(type: 'binary' | 'text' | 'close' | 'ping' | 'pong', data: Uint8Array): Buffer {
  const { length } = data
  const head = length <= MAX_CONTROL ? Buffer.alloc(2) : Buffer.alloc(length < 65_536 ? 4 : 10)
  head[0] = 0x80 | OPCODE[type]
  if (length <= MAX_CONTROL) {
    head[1] = length
  } else if (length < 65_536) {
    head[1] = 126
    head.writeUInt16BE(length, 2)
  } else {
    head[1] = 127
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([head, data])
}

export function encodeClose(code: number): Buffer {
  const data = Buffer.alloc(2)
  data.writeUInt16BE(code)
  return encodeFrame('close', data)
}

export class FrameReader {
  readonly #limit: number
  #pending = Buffer.alloc(0)
  #parts: Buffer[] = []
  #partsType: 'binary' | 'text' | undefined
  #partsSize = 0

  /** `limit`: bytes of one message. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The messages that are complete now; a problem ends the connection and what was before it still counts. */
  push(chunk: Uint8Array): { readonly messages: readonly Message[]; readonly problem?: FrameProblem } {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk])
    const messages: Message[] = []
    for (;;) {
      const frame = this.#takeFrame()
      if (frame === undefined) return { messages }
      if ('text' in frame) return { messages, problem: frame }
      const message = this.#assemble(frame)
      if (message === undefined) continue
      if ('text' in message) return { messages, problem: message }
      messages.push(message)
    }
  }

  #takeFrame(): { final: boolean; opcode: number; data: Buffer } | FrameProblem | undefined {
    const bytes = this.#pending
    if (bytes.length < 2) return undefined
    const [first, second] = [bytes[0] as number, bytes[1] as number]
    const opcode = first & 0x0f
    const isControl = opcode >= 8
    if ((first & 0x70) !== 0) return { code: CLOSE.protocol, text: 'a reserved bit is set' }
    if ((second & 0x80) === 0) return { code: CLOSE.protocol, text: 'a frame is not masked' }
    const short = second & 0x7f
    if (isControl && (short > MAX_CONTROL || (first & 0x80) === 0)) {
      return { code: CLOSE.protocol, text: 'a control frame is too long or fragmented' }
    }
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    const start = 2 + lengthBytes + 4
    if (bytes.length < start) return undefined
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
    if (length > this.#limit) return { code: CLOSE.tooBig, text: 'a frame is too large' }
    if (bytes.length < start + length) return undefined
    const data = Buffer.from(bytes.subarray(start, start + length))
    for (let i = 0; i < length; i += 1) data[i] = (data[i] as number) ^ (bytes[start - 4 + (i & 3)] as number)
    this.#pending = bytes.subarray(start + length)
    return { final: (first & 0x80) !== 0, opcode, data }
  }

  #assemble(frame: { final: boolean; opcode: number; data: Buffer }): Message | FrameProblem | undefined {
    const { final, opcode, data } = frame
    switch (opcode) {
      case OPCODE.ping:
        return { type: 'ping', data }
      case OPCODE.pong:
        return { type: 'pong', data }
      case OPCODE.close:
        if (data.length === 1) return { code: CLOSE.protocol, text: 'a close frame has half a code' }
        return { type: 'close', code: data.length === 0 ? CLOSE.normal : data.readUInt16BE(0) }
      case OPCODE.text:
      case OPCODE.binary:
        if (this.#partsType !== undefined) return { code: CLOSE.protocol, text: 'a message begins inside another' }
        this.#partsType = opcode === OPCODE.text ? 'text' : 'binary'
        break
      case OPCODE.continuation:
        if (this.#partsType === undefined) return { code: CLOSE.protocol, text: 'a continuation continues nothing' }
        break
      default:
        return { code: CLOSE.protocol, text: `opcode ${opcode} is not known` }
    }
    this.#partsSize += data.length
    if (this.#partsSize > this.#limit) return { code: CLOSE.tooBig, text: 'a message is too large' }
    this.#parts.push(data)
    if (!final) return undefined
    const message = { type: this.#partsType, data: Buffer.concat(this.#parts) }
    this.#parts = []
    this.#partsSize = 0
    this.#partsType = undefined
    return message
  }
}
