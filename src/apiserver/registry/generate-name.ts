/** Names for `generateName`: apiserver storage/names, with its alphabet without vowels and look-alikes. */
import { randomInt } from 'node:crypto'

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const SUFFIX_LENGTH = 5
const MAX_PREFIX = 63 - SUFFIX_LENGTH

/** Upstream gives up after as many collisions and answers AlreadyExists. */
export const GENERATE_ATTEMPTS = 8

export function generateName(prefix: string, random: (below: number) => number = randomInt): string {
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => ALPHABET[random(ALPHABET.length)]).join('')
  return `${prefix.slice(0, MAX_PREFIX)}${suffix}`
}
