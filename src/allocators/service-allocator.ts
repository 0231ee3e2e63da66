/**
 * Everything scarce that a Service holds: cluster IPs, node ports, the health-check node port (api-server.md 12.4-12.6,
 * 13; registry/core/service/storage/alloc.go). Each call returns the Service with its values filled in and a
 * transaction; nothing given up is free for others before `commit`.
 */
import type { Family } from '#lib'
import type { Service } from '#api'
import { objectKey } from '#api'
import type { AddressAllocator } from './address-allocator.ts'
import { createAddressAllocator } from './address-allocator.ts'
import type { ServiceAllocation } from './allocation-step.ts'
import { createAllocationTransaction } from './allocation-transaction.ts'
import { allocateClusterIPs } from './allocate-cluster-ips.ts'
import { allocateNodePorts, nodePortsOf } from './allocate-node-ports.ts'
import type { ClusterFamilies } from './decide-families.ts'
import { decideFamilies } from './decide-families.ts'
import type { PortRange } from './port-allocator.ts'
import { createPortAllocator } from './port-allocator.ts'

/** Two stored Services claim one address or port; the one restored first keeps it. */
export type Collision = { readonly service: string; readonly what: string; readonly problem: 'taken' | 'out-of-range' }

export interface ServiceAllocator {
  readonly families: ClusterFamilies
  allocate(service: Service, old: Service | undefined): ServiceAllocation
  release(service: Service): void
  restore(service: Service): readonly Collision[]
}

export function createServiceAllocator(options: {
  readonly serviceCIDRs: readonly string[]
  readonly nodePortRange?: PortRange
  readonly random: () => number
}): ServiceAllocator {
  const { random } = options
  const all = options.serviceCIDRs.map((cidr) => createAddressAllocator({ cidr, random }))
  const pools = new Map<Family, AddressAllocator[]>()
  for (const pool of all) pools.set(pool.family, [...(pools.get(pool.family) ?? []), pool])
  const range = options.nodePortRange
  const ports = createPortAllocator({ random, ...(range !== undefined && { range }) })
  const families: ClusterFamilies = { configured: new Set(pools.keys()), preferred: all[0]?.family ?? 'IPv4' }

  return {
    families,
    allocate: (service, old) => {
      const decision = decideFamilies(service, old, families)
      if ('errors' in decision) return decision
      const step = { owner: ownerOf(old ?? service), transaction: createAllocationTransaction(), pools, ports }
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
      for (const address of clusterIPsOf(service)) for (const pool of all) pool.release(address, owner)
      for (const port of nodePortsOf(service)) ports.release(port, owner)
    },
    restore: (service) => {
      const owner = ownerOf(service)
      const name = objectKey(service)
      const collisions: Collision[] = []
      for (const address of clusterIPsOf(service)) {
        const problems = all.map((pool) => pool.allocate(address, owner))
        if (problems.includes(undefined)) continue
        collisions.push({
          service: name,
          what: address,
          problem: problems.includes('taken') ? 'taken' : 'out-of-range',
        })
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
  }
}

export function clusterIPsOf(service: Service): readonly string[] {
  if (service.spec.type === 'ExternalName') return []
  return (service.spec.clusterIPs ?? []).filter((address) => address !== '' && address !== 'None')
}

function ownerOf(service: Service): string {
  return service.metadata.uid ?? objectKey(service)
}
