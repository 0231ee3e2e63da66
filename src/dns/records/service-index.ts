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
  namespacesWith(name: string): readonly string[]
  /** All, by namespace and name; as of the last `refresh`. */
  all(): readonly ServiceRecords[]
  /** Makes the records of everything that changed. */
  refresh(): void
}

const NOWHERE: readonly string[] = []

export function createServiceIndex(
  reverse: ReverseIndex,
  options: { readonly endpointPodNames: boolean },
): ServiceIndex {
  const services = new Map<ObjectKey, Service>()
  /** Few a service, so that a list is found through as fast as a map, and is a fraction of its size. */
  const slices = new Map<ObjectKey, readonly EndpointSlice[]>()
  /** What is there by each slice's own key. */
  const current = new Map<ObjectKey, EndpointSlice>()
  const dirty = new Set<ObjectKey>()
  const byNamespace = new Map<string, Map<string, ServiceRecords>>()
  const namespacesByName = new Map<string, readonly string[]>()

  const put = (key: ObjectKey, after: ServiceRecords | undefined): void => {
    const { namespace, name } = splitKey(key)
    const within = byNamespace.get(namespace) ?? new Map<string, ServiceRecords>()
    const others = (namespacesByName.get(name) ?? NOWHERE).filter((one) => one !== namespace)
    const holders = after === undefined ? others : [...others, namespace]
    reverse.replace(within.get(name), after)
    if (after === undefined) {
      within.delete(name)
    } else {
      within.set(name, after)
    }
    if (within.size === 0) byNamespace.delete(namespace)
    else byNamespace.set(namespace, within)
    if (holders.length === 0) namespacesByName.delete(name)
    else namespacesByName.set(name, holders)
  }

  const refresh = (): void => {
    if (dirty.size === 0) return
    for (const key of dirty) {
      const service = services.get(key)
      const own = sortedBy(slices.get(key) ?? [], (slice) => slice.metadata.name)
      put(key, service === undefined ? undefined : recordsFor(service, own, { ...options, key }))
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
      const before = current.get(key)
      const ownerBefore = before === undefined ? undefined : serviceOf(before)
      const owner = slice === undefined ? undefined : serviceOf(slice)
      current.delete(key)
      if (ownerBefore !== undefined) {
        const left = (slices.get(ownerBefore) ?? []).filter((one) => one !== before)
        if (left.length === 0) slices.delete(ownerBefore)
        else slices.set(ownerBefore, left)
        dirty.add(ownerBefore)
      }
      if (slice === undefined || owner === undefined) return
      slices.set(owner, [...(slices.get(owner) ?? []), slice])
      current.set(key, slice)
      dirty.add(owner)
    },
    all: () =>
      sortedBy(
        [...byNamespace.values()].flatMap((within) => [...within.values()]),
        ({ key }) => key,
      ),
    find: (namespace, name) => byNamespace.get(namespace)?.get(name),
    namespacesWith: (name) => namespacesByName.get(name) ?? NOWHERE,
  }
}

function serviceOf(slice: EndpointSlice): ObjectKey | undefined {
  const { namespace, labels } = slice.metadata
  const name = labels?.[LABEL_SERVICE_NAME]
  return name === undefined || name === '' || namespace === undefined ? undefined : `${namespace}/${name}`
}
