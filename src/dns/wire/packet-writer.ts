/**
 * Writes one packet into a buffer that is used again for the next; `copy` hands out what was written.
 *
 * The dictionary of suffixes for compression is filled only when a name is asked for that is not the first one written:
 * most answers repeat the name of the question and nothing else, and need no dictionary at all.
 */
import { HEADER_BYTES } from './message.ts'
import type { Name } from './name.ts'
import { ROOT } from './name.ts'

const POINTER = 0xc000
/** The largest record on top of the largest message: a writer may overshoot its limit by one record, then goes back. */
const SCRATCH_BYTES = 2 * 0x10000 + 1024

export class PacketWriter {
  readonly packet: Buffer = Buffer.alloc(SCRATCH_BYTES)
  offset = HEADER_BYTES
  #first: Name | undefined
  readonly #suffixes = new Map<string, number>()
  readonly #pending: { readonly name: Name; readonly offset: number }[] = []

  reset(): void {
    this.offset = HEADER_BYTES
    this.#first = undefined
    if (this.#suffixes.size > 0) this.#suffixes.clear()
    this.#pending.length = 0
  }

  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.offset)
    this.packet.copy(copy, 0, 0, this.offset)
    return copy
  }

  u8(value: number): void {
    this.packet[this.offset++] = value
  }

  u16(value: number): void {
    const { packet, offset } = this
    packet[offset] = value >> 8
    packet[offset + 1] = value
    this.offset = offset + 2
  }

  u32(value: number): void {
    this.u16(value >>> 16)
    this.u16(value & 0xffff)
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length <= 16) for (let i = 0; i < bytes.length; i++) this.packet[this.offset + i] = bytes[i] as number
    else this.packet.set(bytes, this.offset)
    this.offset += bytes.length
  }

  name(name: Name, compress: boolean): void {
    if (name === ROOT) return this.u8(0)
    if (compress && name === this.#first) return this.u16(POINTER | HEADER_BYTES)
    if (this.offset === HEADER_BYTES) this.#first = name
    if (!compress) {
      this.#pending.push({ name, offset: this.offset })
      return this.#plain(name, name.length)
    }
    this.#fillDictionary()
    let at = 0
    while (name.charCodeAt(at) !== 0) {
      const known = this.#suffixes.get(at === 0 ? name : name.slice(at))
      if (known !== undefined) {
        if (at > 0) this.#pending.push({ name, offset: this.offset })
        this.#plain(name, at)
        return this.u16(POINTER | known)
      }
      at += 1 + name.charCodeAt(at)
    }
    this.#pending.push({ name, offset: this.offset })
    this.#plain(name, name.length)
  }

  #plain(name: Name, length: number): void {
    for (let i = 0; i < length; i++) this.packet[this.offset + i] = name.charCodeAt(i)
    this.offset += length
  }

  /** Suffixes of names already written, by where they begin; the first place wins, and beyond 0x3fff none can be. */
  #fillDictionary(): void {
    for (const { name, offset } of this.#pending) {
      for (let at = 0; name.charCodeAt(at) !== 0 && offset + at <= 0x3fff; at += 1 + name.charCodeAt(at)) {
        const suffix = at === 0 ? name : name.slice(at)
        if (this.#suffixes.has(suffix)) break
        this.#suffixes.set(suffix, offset + at)
      }
    }
    this.#pending.length = 0
  }
}
