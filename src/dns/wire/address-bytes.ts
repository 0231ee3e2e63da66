/** Addresses between their canonical text (see `canonicalAddress` in lib) and the bytes of A and AAAA records. */
import { numberToAddress } from '#lib'

/** `text` must be canonical. From Node's pool: tens of thousands of these are kept, and a buffer each would be a heap each. */
export function addressBytes(text: string): Uint8Array {
  if (!text.includes(':')) return pooled(Uint8Array.from(text.split('.'), Number))
  const [head = '', tail] = text.split('::')
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const bytes = new Uint8Array(16)
  front.forEach((group, i) => put(bytes, i, group))
  back.forEach((group, i) => put(bytes, 8 - back.length + i, group))
  return pooled(bytes)
}

function pooled(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length)
  copy.set(bytes)
  return copy
}

export function addressText(bytes: Uint8Array): string {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return numberToAddress(value, bytes.length === 4 ? 'IPv4' : 'IPv6')
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function put(bytes: Uint8Array, index: number, group: number): void {
  bytes[2 * index] = group >> 8
  bytes[2 * index + 1] = group & 0xff
}
