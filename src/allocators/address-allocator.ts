/**
 * Addresses of one service CIDR (KEP-3070, registry/core/service/ipallocator). Unasked-for addresses come from the upper
 * band first, so that the lower band stays free for people who pick addresses by hand (the DNS service at .10).
 *
 * In memory; the stored Services are the truth and rebuild it. Each address knows its owner, so that an object
 * that never got its address (a collision found at start) cannot give it away either.
 */
import type { Family } from '#lib'
import { addressToNumber, familyOf, formatCidr, numberToAddress, parseCidr, SignalboxError } from '#lib'

export type AllocationProblem = 'out-of-range' | 'taken' | 'full'

export interface AddressAllocator {
  readonly family: Family
  readonly cidr: string
  /** Addresses that can be given out. */
  readonly capacity: bigint
  readonly used: number
  allocate(address: string, owner: string): AllocationProblem | undefined
  /** Undefined: the range is full. */
  allocateNext(owner: string): string | undefined
  /** Does nothing unless `owner` holds the address. */
  release(address: string, owner: string): void
  ownerOf(address: string): string | undefined
  /** Whether the address is one that can be given out here, taken or not. */
  contains(address: string): boolean
}

type Band = { readonly first: bigint; readonly last: bigint }

export function createAddressAllocator(options: {
  readonly cidr: string
  /** 0 ≤ value < 1 */
  readonly random: () => number
  /** Who holds which address of this family; shared by ranges that may overlap. */
  readonly owners?: Map<bigint, string>
}): AddressAllocator {
  const cidr = parseCidr(options.cidr)
  if (cidr === undefined || (cidr.family === 'IPv6' && cidr.prefixLength < 64)) {
    throw new SignalboxError('SBX_ALLOCATOR_CIDR', 'a service range must be a CIDR, and for IPv6 a /64 or smaller', {
      facts: { cidr: options.cidr },
    })
  }
  const { family } = cidr
  const first = cidr.first + 1n
  // IPv4 has a broadcast address, IPv6 uses its last address like any other.
  const last = family === 'IPv4' ? cidr.last - 1n : cidr.last
  const offset = staticBandSize(cidr.last - cidr.first + 1n)
  const upper: Band = { first: first + offset, last }
  const lower: Band = { first, last: upper.first - 1n }
  const owners = options.owners ?? new Map<bigint, string>()

  const inRange = (value: bigint | undefined): value is bigint => value !== undefined && value >= first && value <= last

  const search = (band: Band): bigint | undefined => {
    const size = band.last - band.first + 1n
    if (size <= 0n) return undefined
    const start = randomBelow(size, options.random)
    // At most `used` + 1 steps: one of them must be free, unless the band is smaller than that.
    const steps = size <= BigInt(owners.size) ? size : BigInt(owners.size) + 1n
    for (let step = 0n; step < steps; step += 1n) {
      const value = band.first + ((start + step) % size)
      if (!owners.has(value)) return value
    }
    return undefined
  }

  return {
    family,
    cidr: formatCidr(cidr),
    capacity: last >= first ? last - first + 1n : 0n,
    get used() {
      return options.owners === undefined ? owners.size : [...owners.keys()].filter(inRange).length
    },
    allocate: (address, owner) => {
      const value = familyOf(address) === family ? addressToNumber(address) : undefined
      if (!inRange(value)) return 'out-of-range'
      if (owners.has(value)) return 'taken'
      owners.set(value, owner)
      return undefined
    },
    allocateNext: (owner) => {
      const value = search(upper) ?? search(lower)
      if (value === undefined) return undefined
      owners.set(value, owner)
      return numberToAddress(value, family)
    },
    release: (address, owner) => {
      const value = familyOf(address) === family ? addressToNumber(address) : undefined
      if (value !== undefined && owners.get(value) === owner) owners.delete(value)
    },
    contains: (address) => inRange(familyOf(address) === family ? addressToNumber(address) : undefined),
    ownerOf: (address) => {
      const value = familyOf(address) === family ? addressToNumber(address) : undefined
      return value === undefined ? undefined : owners.get(value)
    },
  }
}

/** min(max(16, size/16), 256), and nothing for ranges of 16 addresses or fewer; `size` counts the whole CIDR. */
export function staticBandSize(size: bigint): bigint {
  if (size <= 16n) return 0n
  const sixteenth = size / 16n
  const atLeast = sixteenth < 16n ? 16n : sixteenth
  return atLeast > 256n ? 256n : atLeast
}

function randomBelow(limit: bigint, random: () => number): bigint {
  const word = (): bigint => BigInt(Math.floor(random() * 2 ** 32))
  if (limit <= 2n ** 32n) return (word() * limit) >> 32n
  return ((word() << 32n) | word()) % limit
}
