/**
 * Node ports (KEP-3668, registry/core/service/portallocator): one number space for all protocols. That TCP and UDP of one
 * Service may share a number is the Service's affair; here a number has one owner.
 */
import { SignalboxError } from '#lib'
import type { AllocationProblem } from './address-allocator.ts'

export type PortRange = { readonly first: number; readonly last: number }

export const DEFAULT_NODE_PORTS: PortRange = { first: 30_000, last: 32_767 }

export interface PortAllocator {
  readonly range: PortRange
  readonly used: number
  allocate(port: number, owner: string): AllocationProblem | undefined
  /** Undefined: the range is full. */
  allocateNext(owner: string): number | undefined
  /** Does nothing unless `owner` holds the port. */
  release(port: number, owner: string): void
  ownerOf(port: number): string | undefined
}

export function createPortAllocator(options: {
  readonly range?: PortRange
  /** 0 ≤ value < 1 */
  readonly random: () => number
}): PortAllocator {
  const range = options.range ?? DEFAULT_NODE_PORTS
  const { first, last } = range
  if (!(Number.isInteger(first) && Number.isInteger(last) && first >= 1 && last <= 65_535 && first <= last)) {
    throw new SignalboxError('SBX_ALLOCATOR_PORT_RANGE', 'a node port range must lie within 1-65535', {
      facts: { first, last },
    })
  }
  const owners = new Map<number, string>()
  const offset = staticPortBandSize(last - first + 1)

  const search = (from: number, to: number): number | undefined => {
    const size = to - from + 1
    if (size <= 0) return undefined
    const start = Math.floor(options.random() * size)
    for (let step = 0; step < size; step += 1) {
      const port = from + ((start + step) % size)
      if (!owners.has(port)) return port
    }
    return undefined
  }

  return {
    range,
    get used() {
      return owners.size
    },
    allocate: (port, owner) => {
      if (!Number.isInteger(port) || port < first || port > last) return 'out-of-range'
      if (owners.has(port)) return 'taken'
      owners.set(port, owner)
      return undefined
    },
    allocateNext: (owner) => {
      const port = search(first + offset, last) ?? search(first, first + offset - 1)
      if (port !== undefined) owners.set(port, owner)
      return port
    },
    release: (port, owner) => {
      if (owners.get(port) === owner) owners.delete(port)
    },
    ownerOf: (port) => owners.get(port),
  }
}

/** min(max(16, size/32), 128), and nothing for ranges of 16 ports or fewer. */
export function staticPortBandSize(size: number): number {
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128)
}
