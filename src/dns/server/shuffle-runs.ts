/** The shuffling of shuffle-addresses.ts on encoded replies: the RDATA of records that are otherwise alike is swapped. */
import type { AddressRun } from '../wire/index.ts'
import type { Random } from './shuffle-addresses.ts'

/** Changes `packet`. */
export function shuffleRuns(packet: Buffer, runs: readonly AddressRun[], random: Random): void {
  for (const { offsets, width } of runs) {
    for (let last = offsets.length - 1; last > 0; last--) {
      const other = random(last + 1)
      if (other !== last) swap(packet, { a: offsets[last] as number, b: offsets[other] as number, width })
    }
  }
}

function swap(packet: Buffer, at: { readonly a: number; readonly b: number; readonly width: number }): void {
  const { a, b, width } = at
  for (let i = 0; i < width; i++) {
    const kept = packet[a + i] as number
    packet[a + i] = packet[b + i] as number
    packet[b + i] = kept
  }
}

/**
 * Numbers for the order of addresses: cheap, and not secret (xorshift32, Marsaglia 2003). IDs and ports, which must not be
 * guessed, come from elsewhere.
 */
export function createQuickRandom(seed: number): Random {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
