/**
 * EndpointSlices by the service they are labelled for (IN-22), maintained per event. A slice of a service that is not
 * there is kept until it comes (IN-23); a relabelled slice leaves its old service (IN-31).
 */
import type { EndpointSlice, ObjectKey } from '#api'
import { LABEL_SERVICE_NAME } from '#api'
import { compareText } from '#lib'

export interface SliceIndex {
  /** By slice name; the same array until one of them changes. */
  slicesOf(service: ObjectKey): readonly EndpointSlice[]
  /** Returns the services that gained, lost or saw change a slice. */
  apply(before: EndpointSlice | undefined, after: EndpointSlice | undefined): readonly ObjectKey[]
}

/** The service a slice belongs to, or undefined if it names none. */
export function ownerOfSlice(slice: EndpointSlice): ObjectKey | undefined {
  const { namespace, labels } = slice.metadata
  const name: unknown = labels?.[LABEL_SERVICE_NAME]
  return typeof name !== 'string' || name === '' || !namespace ? undefined : `${namespace}/${name}`
}

export function createSliceIndex(): SliceIndex {
  const none: readonly EndpointSlice[] = []
  const byService = new Map<ObjectKey, Map<string, EndpointSlice>>()
  const sorted = new Map<ObjectKey, readonly EndpointSlice[]>()

  const detach = (service: ObjectKey, name: string): boolean => {
    const slices = byService.get(service)
    if (slices?.delete(name) !== true) return false
    sorted.delete(service)
    if (slices.size === 0) byService.delete(service)
    return true
  }

  return {
    slicesOf: (service) => {
      const known = sorted.get(service)
      if (known !== undefined) return known
      const slices = byService.get(service)
      if (slices === undefined) return none
      const list = [...slices.values()].sort((a, b) => compareText(a.metadata.name, b.metadata.name))
      sorted.set(service, list)
      return list
    },
    apply: (before, after) => {
      const old = before === undefined ? undefined : ownerOfSlice(before)
      const owner = after === undefined ? undefined : ownerOfSlice(after)
      const touched: ObjectKey[] = []
      if (before !== undefined && old !== undefined && old !== owner && detach(old, before.metadata.name)) {
        touched.push(old)
      }
      if (after !== undefined && owner !== undefined) {
        const slices = byService.get(owner) ?? new Map<string, EndpointSlice>()
        slices.set(after.metadata.name, after)
        byService.set(owner, slices)
        sorted.delete(owner)
        touched.push(owner)
      }
      return touched
    },
  }
}
