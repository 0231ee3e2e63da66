/**
 * Services and their slices as reported, and the records made from them on demand: one service at a time, only when one
 * of its objects changed.
 */
import type { EndpointSlice, ObjectKey, Service } from '#api'
import { LABEL_SERVICE_NAME, splitKey } from '#api'
import { sortedBy } from '#lib'
import type { ReverseIndex } from './reverse-index.ts'
import type { ServiceRecords } from './service-records.ts'
import { recordsFor } from './service-records.ts'

export interface ServiceIndex {
  setService(key: ObjectKey, service: Service | undefined): void
  /** A slice may change its service: it is found by its own key. */
  setSlice(key: ObjectKey, slice: EndpointSlice | undefined): void
  /** As of the last `refresh`. */
  find(namespace: string, name: string): ServiceRecords | undefined
  /** Namespaces that have a service of this name. */
  namespacesWith(name: string): ReadonlySet<string>
  /** Makes the records of everything that changed. */
  refresh(): void
}

const NOWHERE: ReadonlySet<string> = new Set()

export function createServiceIndex(
  reverse: ReverseIndex,
  options: { readonly endpointPodNames: boolean },
): ServiceIndex {
  const services = new Map<ObjectKey, Service>()
  const slices = new Map<ObjectKey, Map<ObjectKey, EndpointSlice>>()
  const ownerOf = new Map<ObjectKey, ObjectKey>()
  const dirty = new Set<ObjectKey>()
  const byNamespace = new Map<string, Map<string, ServiceRecords>>()
  const namespacesByName = new Map<string, Set<string>>()

  const put = (key: ObjectKey, after: ServiceRecords | undefined): void => {
    const { namespace, name } = splitKey(key)
    const within = byNamespace.get(namespace) ?? new Map<string, ServiceRecords>()
    const holders = namespacesByName.get(name) ?? new Set<string>()
    reverse.replace(within.get(name), after)
    if (after === undefined) {
      within.delete(name)
      holders.delete(namespace)
    } else {
      within.set(name, after)
      holders.add(namespace)
    }
    if (within.size === 0) byNamespace.delete(namespace)
    else byNamespace.set(namespace, within)
    if (holders.size === 0) namespacesByName.delete(name)
    else namespacesByName.set(name, holders)
  }

  const refresh = (): void => {
    if (dirty.size === 0) return
    for (const key of dirty) {
      const service = services.get(key)
      const own = sortedBy(slices.get(key)?.values() ?? [], (slice) => slice.metadata.name)
      put(key, service === undefined ? undefined : recordsFor(service, own, options))
    }
    dirty.clear()
  }

  return {
    refresh,
    setService: (key, service) => {
      if (service === undefined) services.delete(key)
      else services.set(key, service)
      dirty.add(key)
    },
    setSlice: (key, slice) => {
      const before = ownerOf.get(key)
      const owner = slice === undefined ? undefined : serviceOf(slice)
      if (before !== undefined) {
        const left = slices.get(before)
        left?.delete(key)
        if (left?.size === 0) slices.delete(before)
        ownerOf.delete(key)
        dirty.add(before)
      }
      if (slice === undefined || owner === undefined) return
      const list = slices.get(owner) ?? new Map<ObjectKey, EndpointSlice>()
      slices.set(owner, list.set(key, slice))
      ownerOf.set(key, owner)
      dirty.add(owner)
    },
    find: (namespace, name) => byNamespace.get(namespace)?.get(name),
    namespacesWith: (name) => namespacesByName.get(name) ?? NOWHERE,
  }
}

function serviceOf(slice: EndpointSlice): ObjectKey | undefined {
  const { namespace, labels } = slice.metadata
  const name = labels?.[LABEL_SERVICE_NAME]
  return name === undefined || name === '' || namespace === undefined ? undefined : `${namespace}/${name}`
}
