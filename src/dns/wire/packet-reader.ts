/**
 * Bounds-checked reading of one packet. The first problem sticks: later reads return zeros and move nothing, so callers
 * check `problem` once per record instead of after each field, and nothing is ever thrown.
 *
 * Compression pointers (RFC 1035 4.1.4) must point strictly before the run of labels they end, and at most
 * MAX_POINTERS are followed: a loop cannot be built.
 */
import type { WireProblem } from './message.ts'
import { HEADER_BYTES } from './message.ts'
import type { Name } from './name.ts'
import { MAX_NAME_BYTES, ROOT } from './name.ts'

const MAX_POINTERS = 16
const NO_BYTES = new Uint8Array(0)

export class PacketReader {
  readonly packet: Buffer
  offset: number
  problem: WireProblem | undefined = undefined

  constructor(packet: Buffer, offset: number) {
    this.packet = packet
    this.offset = offset
  }

  fail(problem: WireProblem): void {
    this.problem ??= problem
    this.offset = this.packet.length
  }

  get remaining(): number {
    return this.packet.length - this.offset
  }

  u8(): number {
    if (this.problem !== undefined || this.remaining < 1) {
      this.fail('past-end')
      return 0
    }
    return this.packet[this.offset++] as number
  }

  u16(): number {
    return (this.u8() << 8) | this.u8()
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  skip(length: number): void {
    if (this.remaining < length) this.fail('past-end')
    else this.offset += length
  }

  /** A copy: packets may live in buffers that are used again. */
  bytes(length: number): Uint8Array {
    if (this.problem !== undefined || length < 0 || this.remaining < length) {
      this.fail('past-end')
      return NO_BYTES
    }
    const copy = Uint8Array.prototype.slice.call(this.packet, this.offset, this.offset + length)
    this.offset += length
    return new Uint8Array(copy.buffer, copy.byteOffset, copy.length)
  }

  name(): Name {
    const { packet } = this
    const end = packet.length
    let text = ''
    let resume = -1
    let pointers = 0
    let runStart = this.offset
    let at = runStart
    for (;;) {
      if (at >= end) return this.#badName('past-end')
      const length = packet[at] as number
      if (length === 0) {
        at += 1
        text += packet.toString('latin1', runStart, at)
        if (text.length > MAX_NAME_BYTES) return this.#badName('name-too-long')
        this.offset = resume < 0 ? at : resume
        return text as Name
      }
      if (length < 0x40) {
        at += 1 + length
        if (text.length + at - runStart >= MAX_NAME_BYTES) return this.#badName('name-too-long')
        continue
      }
      if (length < 0xc0) return this.#badName('bad-label')
      if (at + 1 >= end) return this.#badName('past-end')
      const target = ((length & 0x3f) << 8) | (packet[at + 1] as number)
      if (target >= runStart || target < HEADER_BYTES || ++pointers > MAX_POINTERS) return this.#badName('bad-pointer')
      text += packet.toString('latin1', runStart, at)
      if (resume < 0) resume = at + 2
      runStart = target
      at = target
    }
  }

  #badName(problem: WireProblem): Name {
    this.fail(problem)
    return ROOT
  }
}
