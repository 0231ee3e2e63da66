/** The lists and watches DNS lives on, with objects cut down to what it reads: ten thousand of them stay in memory. */
import type { EndpointSlice, KubeObject, Namespace, Pod, ResourceInfo, Service, ServicePort } from '#api'
import { ENDPOINTSLICES, LABEL_SERVICE_NAME, NAMESPACES, PODS, SERVICES } from '#api'
import type { Clock, Logger } from '#lib'
import type { ApiClient, Informer } from '#watch'
import { createInformer } from '#watch'
import type { DnsInformers } from './feed-zone.ts'

export type InformerCommon = { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal }

/** What only some configurations read. */
export type InformerNeeds = { readonly pods: boolean; readonly podNames: boolean }

export function dnsInformers(client: ApiClient, common: InformerCommon, needs: InformerNeeds): DnsInformers {
  const informer = <T extends KubeObject>(resource: ResourceInfo, transform: (object: T) => T): Informer<T> =>
    createInformer<T>({ client, resource, transform, ...common })
  return {
    services: informer<Service>(SERVICES, trimService),
    endpointSlices: informer<EndpointSlice>(ENDPOINTSLICES, (slice) => trimSlice(slice, needs.podNames)),
    namespaces: informer<Namespace>(NAMESPACES, bare),
    ...(needs.pods ? { pods: informer<Pod>(PODS, trimPod) } : {}),
  }
}

/** When the change that a slice shows was made (k8s.io/api core/v1 annotation_key_constants.go). */
export const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time'

function bare<T extends KubeObject>(object: T): T {
  const { apiVersion, kind, metadata } = object
  const { name, namespace, resourceVersion } = metadata
  return { apiVersion, kind, metadata: { name, namespace, resourceVersion } } as T
}

function trimService(service: Service): Service {
  const { type, clusterIP, clusterIPs, externalName, ports } = service.spec
  return {
    ...bare(service),
    spec: {
      ...(type === undefined ? {} : { type }),
      ...(clusterIP === undefined ? {} : { clusterIP }),
      ...(clusterIPs === undefined ? {} : { clusterIPs }),
      ...(externalName === undefined ? {} : { externalName }),
      ...(ports === undefined || ports === null ? {} : { ports: intern(ports.map(servicePort)) }),
    },
  }
}

const NOT_READY = { ready: false }

function servicePort({ name, protocol, port }: ServicePort): ServicePort {
  return { ...(name === undefined ? {} : { name }), ...(protocol === undefined ? {} : { protocol }), port }
}

/** One object for all that are equal, in a table that is emptied when it grows. */
const seen = new Map<string, unknown>()
const MAX_SEEN = 1000

function intern<T>(value: T): T {
  const key = JSON.stringify(value)
  const known = seen.get(key)
  if (known !== undefined) return known as T
  if (seen.size >= MAX_SEEN) seen.clear()
  seen.set(key, value)
  return value
}

function trimSlice(slice: EndpointSlice, podNames: boolean): EndpointSlice {
  const { labels, annotations } = slice.metadata
  const owner = labels?.[LABEL_SERVICE_NAME]
  const changed = annotations?.[LAST_CHANGE]
  const base = bare(slice)
  return {
    ...base,
    metadata: {
      ...base.metadata,
      ...(owner === undefined ? {} : { labels: { [LABEL_SERVICE_NAME]: owner } }),
      ...(changed === undefined ? {} : { annotations: { [LAST_CHANGE]: changed } }),
    },
    addressType: slice.addressType,
    endpoints: (slice.endpoints ?? []).map(({ addresses, conditions, hostname, targetRef }) => ({
      addresses,
      // Ready and unset are the same to DNS.
      ...(conditions?.ready === false ? { conditions: NOT_READY } : {}),
      ...(hostname === undefined ? {} : { hostname }),
      ...(podNames && targetRef?.name !== undefined ? { targetRef: { name: targetRef.name } } : {}),
    })),
    ...(slice.ports === undefined || slice.ports === null ? {} : { ports: intern(slice.ports) }),
  }
}

function trimPod(pod: Pod): Pod {
  const { phase, podIP, podIPs } = pod.status ?? {}
  return {
    ...bare(pod),
    spec: { containers: [] },
    status: {
      ...(phase === undefined ? {} : { phase }),
      ...(podIP === undefined ? {} : { podIP }),
      ...(podIPs === undefined ? {} : { podIPs }),
    },
  }
}
