/**
 * Spreads clients that take the first address: A and AAAA records change places among themselves, afresh for each
 * response; CNAMEs and all else stay where they are (CoreDNS plugin/loadbalance, round_robin).
 */
import type { ResourceRecord } from '../wire/index.ts'
import { TYPE } from '../wire/index.ts'

/** An integer from 0 up to, not including, the bound. */
export type Random = (below: number) => number

export function shuffleAddresses(records: readonly ResourceRecord[], random: Random): readonly ResourceRecord[] {
  if (records.length < 2) return records
  const places: number[] = []
  records.forEach((record, place) => {
    if (record.type === TYPE.A || record.type === TYPE.AAAA) places.push(place)
  })
  if (places.length < 2) return records
  const shuffled = [...records]
  for (let last = places.length - 1; last > 0; last--) {
    const a = places[last] as number
    const b = places[random(last + 1)] as number
    const kept = shuffled[a] as ResourceRecord
    shuffled[a] = shuffled[b] as ResourceRecord
    shuffled[b] = kept
  }
  return shuffled
}
