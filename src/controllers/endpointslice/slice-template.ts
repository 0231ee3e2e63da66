/** What every slice of a Service has in common: labels, owner, name prefix (api-server.md 15.1). */
import type { EndpointPort, EndpointSlice, Service } from '#api'
import { LABEL_HEADLESS, LABEL_SERVICE_NAME } from '#api'
import type { Family } from '#lib'
import type { Labels } from '../shared/match-labels.ts'
import { sameLabels } from '../shared/same-labels.ts'

export const LABEL_MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
export const ENDPOINTSLICE_CONTROLLER = 'endpointslice-controller.k8s.io'

const RESERVED = new Set([LABEL_SERVICE_NAME, LABEL_MANAGED_BY, LABEL_HEADLESS])
/** A generated name is the prefix and five characters, 63 at most where it must be a label. */
const PREFIX_LIMIT = 58

export function sliceLabels(service: Service): Labels {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !RESERVED.has(key))
  return {
    ...Object.fromEntries(own),
    [LABEL_SERVICE_NAME]: service.metadata.name,
    [LABEL_MANAGED_BY]: ENDPOINTSLICE_CONTROLLER,
    ...(service.spec.clusterIP === 'None' ? { [LABEL_HEADLESS]: '' } : {}),
  }
}

export function blankSlice(service: Service, family: Family, ports: readonly EndpointPort[]): EndpointSlice {
  const { name, namespace, uid = '' } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: generateNamePrefix(name),
      ...(namespace === undefined ? {} : { namespace }),
      labels: sliceLabels(service),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType: family,
    endpoints: [],
    ports,
  }
}

export function generateNamePrefix(name: string): string {
  return name.length < PREFIX_LIMIT ? `${name}-` : name.slice(0, PREFIX_LIMIT)
}

export function isOwnedBy(slice: EndpointSlice, service: Service): boolean {
  return (slice.metadata.ownerReferences ?? []).some(({ uid }) => uid === service.metadata.uid)
}

/** The same object if its labels are right. */
export function relabelled(slice: EndpointSlice, service: Service): EndpointSlice {
  const labels = sliceLabels(service)
  return sameLabels(slice.metadata.labels, labels) ? slice : { ...slice, metadata: { ...slice.metadata, labels } }
}
