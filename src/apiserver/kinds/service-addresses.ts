/**
 * The IPAddress objects of Services (KEP-1880; api-server.md 13): each cluster IP is an object named by it, written and
 * removed in one commit with its Service, so that neither can be without the other.
 */
import { randomUUID } from 'node:crypto'

import type { IPAddress, Service } from '#api'
import { apiVersionOf, IPADDRESSES, SERVICES } from '#api'
import { canonicalAddress, familyOf } from '#lib'
import type { Companion, StoreReader, WriteContext } from './kind.ts'

export const MANAGER_LABEL = 'ipaddress.kubernetes.io/managed-by'
export const MANAGER = 'ipallocator.k8s.io'
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family'

type Written = Pick<WriteContext, 'store' | 'now'>

/** Addresses of the Service that have no object yet, or one that says something else. */
export function takenAddresses(service: Service, { store, now }: Written): readonly Companion[] {
  return addressesOf(service).flatMap((address): readonly Companion[] => {
    const known = store.get(IPADDRESSES, { name: address })
    if (known !== undefined && isParent(service, known)) return []
    return [{ info: IPADDRESSES, object: addressObject(address, service, now), action: 'write' }]
  })
}

/** Objects of addresses that `old` had and `next` has not. */
export function givenUpAddresses(old: Service, next: Service | undefined, store: StoreReader): readonly Companion[] {
  const kept = new Set(next === undefined ? [] : addressesOf(next))
  return addressesOf(old).flatMap((address): readonly Companion[] => {
    const known = kept.has(address) ? undefined : store.get(IPADDRESSES, { name: address })
    return known === undefined || !isParent(old, known) ? [] : [{ info: IPADDRESSES, object: known, action: 'remove' }]
  })
}

/** Canonical: what a Service has may be spelled in other ways. */
export function addressesOf(service: Service): readonly string[] {
  if (service.spec?.type === 'ExternalName') return []
  return (service.spec?.clusterIPs ?? []).map(canonicalAddress).filter((address) => address !== undefined)
}

export function isParent(service: Service, { spec }: IPAddress): boolean {
  const parent = spec?.parentRef
  return (
    (parent?.group ?? '') === SERVICES.group &&
    parent?.resource === SERVICES.resource &&
    parent.namespace === service.metadata.namespace &&
    parent.name === service.metadata.name
  )
}

export function addressObject(address: string, service: Service, now: string): IPAddress {
  const { namespace = '', name } = service.metadata
  return {
    apiVersion: apiVersionOf(IPADDRESSES),
    kind: IPADDRESSES.kind,
    metadata: {
      name: address,
      uid: randomUUID(),
      creationTimestamp: now,
      labels: { [FAMILY_LABEL]: familyOf(address) ?? '', [MANAGER_LABEL]: MANAGER },
    },
    spec: { parentRef: { group: SERVICES.group, resource: SERVICES.resource, namespace, name } },
  }
}
