/**
 * The ranges that Services get addresses from, which may come, go and overlap while the server runs (KEP-1880), and who
 * holds which address. Holding outlives the range: a Service keeps its address when its range is taken away.
 */
import type { Family } from '#lib'
import { addressToNumber, familyOf, formatCidr, parseCidr } from '#lib'
import type { AddressAllocator } from './address-allocator.ts'
import { createAddressAllocator } from './address-allocator.ts'

export interface ServiceRanges {
  readonly add: (holder: string, cidr: string) => void
  readonly drop: (holder: string, cidr: string) => void
  /** Ranges that are in use, in the order they came. */
  readonly pools: (family: Family | undefined) => readonly AddressAllocator[]
  /** False: somebody else has the address, or it is none. Holding twice is holding. */
  readonly hold: (address: string, owner: string) => boolean
  /** Does nothing unless `owner` holds the address. */
  readonly release: (address: string, owner: string) => void
}

type Range = { readonly pool: AddressAllocator; readonly holders: Set<string> }

export function createServiceRanges(random: () => number): ServiceRanges {
  const ranges = new Map<string, Range>()
  const owners: Readonly<Record<Family, Map<bigint, string>>> = { IPv4: new Map(), IPv6: new Map() }
  /** Two spellings of one range are one range. */
  const keyOf = (text: string): string => {
    const cidr = parseCidr(text)
    return cidr === undefined ? text : formatCidr(cidr)
  }
  const entryOf = (address: string): { family: Family; value: bigint } | undefined => {
    const [family, value] = [familyOf(address), addressToNumber(address)]
    return family === undefined || value === undefined ? undefined : { family, value }
  }
  return {
    add: (holder, cidr) => {
      const key = keyOf(cidr)
      const known = ranges.get(key)
      if (known !== undefined) {
        known.holders.add(holder)
        return
      }
      const family = parseCidr(cidr)?.family ?? 'IPv4'
      const pool = createAddressAllocator({ cidr, random, owners: owners[family] })
      ranges.set(key, { pool, holders: new Set([holder]) })
    },
    drop: (holder, cidr) => {
      const range = ranges.get(keyOf(cidr))
      if (range?.holders.delete(holder) === true && range.holders.size === 0) ranges.delete(keyOf(cidr))
    },
    pools: (family) => [...ranges.values()].map(({ pool }) => pool).filter((pool) => pool.family === family),
    hold: (address, owner) => {
      const entry = entryOf(address)
      if (entry === undefined) return false
      const held = owners[entry.family].get(entry.value)
      if (held !== undefined) return held === owner
      owners[entry.family].set(entry.value, owner)
      return true
    },
    release: (address, owner) => {
      const entry = entryOf(address)
      if (entry !== undefined && owners[entry.family].get(entry.value) === owner)
        owners[entry.family].delete(entry.value)
    },
  }
}
