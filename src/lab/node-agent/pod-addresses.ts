/**
 * Pod addresses of one node, one per family, with the same offset in each CIDR. Offset 0 is the network, 1 the gateway.
 *
 * Freed offsets come back last (the search goes on from the newest), so that a rule or a connection that still names a
 * dead pod does not meet its successor.
 */
import type { Cidr } from '#lib'
import { numberToAddress, parseCidr } from '#lib'

export interface PodAddresses {
  /** The pod's addresses, in the order of the node's CIDRs; undefined: none is free. The same pod keeps what it has. */
  take(uid: string): readonly string[] | undefined
  release(uid: string): void
}

const FIRST_OFFSET = 2n
/** No node runs more pods; keeps the search short in an IPv6 /64. */
const MOST = 65_536n

/** `cidrs` in the order the pod's addresses are to have; text that is no CIDR is ignored. */
export function createPodAddresses(cidrs: readonly string[]): PodAddresses {
  const ranges = cidrs.map(parseCidr).filter((cidr) => cidr !== undefined)
  const offsets = new Map<string, bigint>()
  const used = new Set<bigint>()
  const end = ranges.map(usableEnd).reduce((a, b) => (a < b ? a : b), MOST)
  let next = FIRST_OFFSET

  const find = (): bigint | undefined => {
    for (let tried = FIRST_OFFSET; tried < end; tried += 1n) {
      const offset = next
      next = next + 1n < end ? next + 1n : FIRST_OFFSET
      if (!used.has(offset)) return offset
    }
    return undefined
  }

  return {
    take: (uid) => {
      const offset = offsets.get(uid) ?? find()
      if (offset === undefined || ranges.length === 0) return undefined
      offsets.set(uid, offset)
      used.add(offset)
      return ranges.map((range) => numberToAddress(range.first + offset, range.family))
    },
    release: (uid) => {
      const offset = offsets.get(uid)
      if (offset === undefined) return
      offsets.delete(uid)
      used.delete(offset)
    },
  }
}

/** First offset that is not usable: an IPv4 range ends with its broadcast address. */
function usableEnd(range: Cidr): bigint {
  const size = range.last - range.first + 1n
  return range.family === 'IPv4' ? size - 1n : size
}
