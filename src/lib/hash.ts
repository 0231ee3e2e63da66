import { createHash } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** First `length` characters of the base32 form (RFC 4648, upper case) of SHA-256 of the UTF-8 text. */
export function base32Hash(text: string, length: number): string {
  const digest = createHash('sha256').update(text, 'utf8').digest()
  let out = ''
  let bits = 0
  let value = 0
  for (const byte of digest) {
    value = ((value << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 5 && out.length < length) {
      bits -= 5
      out += ALPHABET[(value >>> bits) & 31]
    }
    if (out.length >= length) break
  }
  return out
}
