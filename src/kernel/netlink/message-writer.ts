/**
 * Writes netlink messages into one growing buffer. Everything in netlink is aligned to four bytes, so 32-bit stores through
 * one typed array do nearly all of the work; they are several times faster than Buffer's or DataView's methods.
 * Little-endian hosts only, like the rest of this folder: network order is a byte swap.
 */
const NLA_F_NESTED = 0x8000
const encoder = new TextEncoder()

export class MessageWriter {
  #words: Uint32Array
  #bytes: Uint8Array
  /** In words. */
  #at = 0

  constructor(bytes = 64 * 1024) {
    this.#words = new Uint32Array(bytes / 4)
    this.#bytes = new Uint8Array(this.#words.buffer)
  }

  get length(): number {
    return this.#at * 4
  }

  /** What was written so far; valid until the next write. */
  get data(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  /** `type` as in the header; the four bytes behind it are nfgenmsg: family, version 0, resource id in network order. */
  beginMessage(message: {
    readonly type: number
    readonly flags: number
    readonly sequence: number
    readonly family: number
    readonly resource?: number
  }): number {
    this.#reserve(5)
    const start = this.#at
    const words = this.#words
    words[start] = 0
    words[start + 1] = message.type | (message.flags << 16)
    words[start + 2] = message.sequence
    words[start + 3] = 0
    const resource = message.resource ?? 0
    words[start + 4] = message.family | ((resource & 0xff00) << 8) | ((resource & 0xff) << 24)
    this.#at += 5
    return start
  }

  endMessage(start: number): void {
    this.#words[start] = (this.#at - start) * 4
  }

  beginNest(type: number): number {
    this.#reserve(1)
    const start = this.#at
    this.#words[start] = (type | NLA_F_NESTED) << 16
    this.#at += 1
    return start
  }

  endNest(start: number): void {
    this.#words[start] = ((this.#words[start] ?? 0) & 0xffff0000) | ((this.#at - start) * 4)
  }

  /** How many bytes the nest holds so far, its header included: it must stay below 64 KiB. */
  sizeOfNest(start: number): number {
    return (this.#at - start) * 4
  }

  /** In network order, as all numbers of nf_tables attributes are. */
  u32(type: number, value: number): void {
    this.#reserve(2)
    this.#words[this.#at] = (type << 16) | 8
    this.#words[this.#at + 1] = swap(value)
    this.#at += 2
  }

  u64(type: number, value: bigint): void {
    this.#reserve(3)
    this.#words[this.#at] = (type << 16) | 12
    this.#words[this.#at + 1] = swap(Number(value >> 32n))
    this.#words[this.#at + 2] = swap(Number(value & 0xffffffffn))
    this.#at += 3
  }

  /** With the zero byte at its end. */
  text(type: number, value: string): void {
    const length = Buffer.byteLength(value)
    this.#reserve(2 + (length >> 2) + 1)
    this.#header(type, length + 1)
    encoder.encodeInto(value, this.#bytes.subarray((this.#at + 1) * 4))
    this.#at += 1 + ((length + 4) >> 2)
  }

  bytes(type: number, value: Uint8Array): void {
    this.#reserve(1 + ((value.length + 3) >> 2))
    this.#header(type, value.length)
    this.#bytes.set(value, (this.#at + 1) * 4)
    this.#at += 1 + ((value.length + 3) >> 2)
  }

  /** Writes `length` bytes of payload through `fill`, which gets the words and the place of the first. */
  words(type: number, length: number, fill: (words: Uint32Array, at: number) => void): void {
    const count = (length + 3) >> 2
    this.#reserve(1 + count)
    this.#words[this.#at] = (type << 16) | (4 + length)
    fill(this.#words, this.#at + 1)
    this.#at += 1 + count
  }

  /** The padding behind the payload is zero. */
  #header(type: number, length: number): void {
    this.#words[this.#at + ((length + 3) >> 2)] = 0
    this.#words[this.#at] = (type << 16) | (4 + length)
  }

  #reserve(words: number): void {
    if (this.#at + words <= this.#words.length) return
    const grown = new Uint32Array(Math.max(this.#words.length * 2, this.#at + words))
    grown.set(this.#words)
    this.#words = grown
    this.#bytes = new Uint8Array(grown.buffer)
  }
}

export function swap(value: number): number {
  return ((value >>> 24) | ((value >>> 8) & 0xff00) | ((value << 8) & 0xff0000) | (value << 24)) >>> 0
}
