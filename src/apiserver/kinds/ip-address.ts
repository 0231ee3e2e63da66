/** Addresses in use. Those of Services come and go with them; others keep an address from Services while they exist. */
import type { ServiceAllocator } from '#allocators'
import type { IPAddress, Service } from '#api'
import { invalid, IPADDRESSES, SERVICES, validateIPAddress, validateIPAddressUpdate } from '#api'
import { NAME_COLUMN, NONE, textColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'
import type { KindDefinition, StoreReader } from './kind.ts'
import { addressesOf, isParent } from './service-addresses.ts'

export function ipAddressKind(allocator: ServiceAllocator): KindDefinition {
  return defineKind<IPAddress>({
    info: IPADDRESSES,
    schema: 'io.k8s.api.networking.v1.IPAddress',
    message: 'k8s.io.api.networking.v1.IPAddress',
    nameRule: 'address',
    validate: validateIPAddress,
    validateUpdate: validateIPAddressUpdate,
    allocate: (address, old, { store }) => {
      // An object that only says again what its Service holds takes nothing.
      if (old !== undefined || isHeldByParent(address, store)) return { object: address }
      const { name } = address.metadata
      if (!allocator.reserve(name, ownerOf(address))) {
        return { errors: [invalid('metadata.name', name, 'the address is allocated to a Service already')] }
      }
      return { object: address, rollback: () => allocator.unreserve(name, ownerOf(address)) }
    },
    released: (address) => allocator.unreserve(address.metadata.name, ownerOf(address)),
    restored: (address) => void allocator.reserve(address.metadata.name, ownerOf(address)),
    table: {
      columns: [NAME_COLUMN, textColumn('ParentRef', 'What uses the address')],
      cells: ({ metadata, spec }) => [metadata.name, parentText(spec?.parentRef)],
    },
  })
}

function isHeldByParent(address: IPAddress, store: StoreReader): boolean {
  const { namespace = '', name = '' } = address.spec?.parentRef ?? {}
  const service = store.get(SERVICES, { namespace, name }) as Service | undefined
  return service !== undefined && isParent(service, address) && addressesOf(service).includes(address.metadata.name)
}

function ownerOf({ metadata }: IPAddress): string {
  return `address ${metadata.uid ?? ''}`
}

function parentText(parent: NonNullable<IPAddress['spec']>['parentRef']): string {
  if (parent === undefined) return NONE
  const { group = '', resource = '', namespace = '', name = '' } = parent
  return [group === '' ? resource : `${resource}.${group}`, namespace, name].filter((part) => part !== '').join('/')
}
