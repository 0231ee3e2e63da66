/**
 * Everything scarce that a Service holds: cluster IPs, node ports, the health-check node port (api-server.md 12.4-12.6,
 * 13; registry/core/service/storage/alloc.go). Each call returns the Service with its values filled in and a
 * transaction; nothing given up is free for others before `commit`.
 */
import { familyOf, parseCidr } from '#lib'
import type { Service } from '#api'
import { objectKey } from '#api'
import type { ServiceAllocation } from './allocation-step.ts'
import { createAllocationTransaction } from './allocation-transaction.ts'
import { allocateClusterIPs } from './allocate-cluster-ips.ts'
import { allocateNodePorts, nodePortsOf } from './allocate-node-ports.ts'
import type { ClusterFamilies } from './decide-families.ts'
import { decideFamilies } from './decide-families.ts'
import type { PortRange } from './port-allocator.ts'
import { createPortAllocator } from './port-allocator.ts'
import { createServiceRanges } from './service-ranges.ts'

/** Holder of the ranges that the server was started with. */
const FLAGS = 'flags'

/** Two stored Services claim one address or port; the one restored first keeps it. */
export type Collision = { readonly service: string; readonly what: string; readonly problem: 'taken' | 'out-of-range' }

export interface ServiceAllocator {
  /** Those of the server's flags: more ranges make no other families. */
  readonly families: ClusterFamilies
  allocate(service: Service, old: Service | undefined): ServiceAllocation
  release(service: Service): void
  restore(service: Service): readonly Collision[]
  /** A range is used for new addresses while anybody holds it. Adding it twice for one holder is adding it once. */
  addRange(holder: string, cidr: string): void
  dropRange(holder: string, cidr: string): void
  /** Whether a range that is in use has this address. */
  isInRange(address: string): boolean
  /** Keeps an address from Services, in or out of range; false: somebody else has it. */
  reserve(address: string, owner: string): boolean
  unreserve(address: string, owner: string): void
}

export function createServiceAllocator(options: {
  readonly serviceCIDRs: readonly string[]
  readonly nodePortRange?: PortRange
  readonly random: () => number
}): ServiceAllocator {
  const { random } = options
  const ranges = createServiceRanges(random)
  for (const cidr of options.serviceCIDRs) ranges.add(FLAGS, cidr)
  const configured = options.serviceCIDRs.map((cidr) => parseCidr(cidr)?.family).filter((one) => one !== undefined)
  const range = options.nodePortRange
  const ports = createPortAllocator({ random, ...(range !== undefined && { range }) })
  const families: ClusterFamilies = { configured: new Set(configured), preferred: configured[0] ?? 'IPv4' }

  return {
    families,
    allocate: (service, old) => {
      const decision = decideFamilies(service, old, families)
      if ('errors' in decision) return decision
      const step = { owner: ownerOf(old ?? service), transaction: createAllocationTransaction(), ranges, ports }
      const addressed = allocateClusterIPs({ ...service, spec: decision.spec }, old, step)
      const done = 'spec' in addressed ? allocateNodePorts(addressed, old, step) : addressed
      if (!('spec' in done)) {
        step.transaction.rollback()
        return done
      }
      return { service: done, rollback: step.transaction.rollback, commit: step.transaction.commit }
    },
    release: (service) => {
      const owner = ownerOf(service)
      for (const address of clusterIPsOf(service)) ranges.release(address, owner)
      for (const port of nodePortsOf(service)) ports.release(port, owner)
    },
    restore: (service) => {
      const owner = ownerOf(service)
      const name = objectKey(service)
      const collisions: Collision[] = []
      for (const address of clusterIPsOf(service)) {
        const wasInRange = ranges.pools(familyOf(address)).some((pool) => pool.contains(address))
        // Out of range it is still in use, and must not be given away when the range comes back.
        const problem = ranges.hold(address, owner) ? (wasInRange ? undefined : 'out-of-range') : 'taken'
        if (problem !== undefined) collisions.push({ service: name, what: address, problem })
      }
      for (const port of nodePortsOf(service)) {
        const problem = ports.allocate(port, owner)
        if (problem === undefined) continue
        collisions.push({
          service: name,
          what: `node port ${port}`,
          problem: problem === 'taken' ? 'taken' : 'out-of-range',
        })
      }
      return collisions
    },
    addRange: ranges.add,
    dropRange: ranges.drop,
    isInRange: (address) => ranges.pools(familyOf(address)).some((pool) => pool.contains(address)),
    reserve: ranges.hold,
    unreserve: ranges.release,
  }
}

export function clusterIPsOf(service: Service): readonly string[] {
  if (service.spec.type === 'ExternalName') return []
  return (service.spec.clusterIPs ?? []).filter((address) => address !== '' && address !== 'None')
}

function ownerOf(service: Service): string {
  return service.metadata.uid ?? objectKey(service)
}
