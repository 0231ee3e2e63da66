/**
 * The Endpoints object of a Service: its primary family's addresses, grouped by the ports they serve (endpoint controller
 * and api/v1/endpoints RepackSubsets; api-server.md 15.3). Pure.
 */
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '#api'
import { LABEL_HEADLESS, objectKey } from '#api'
import { compareText } from '#lib'
import { familiesOf } from '../endpointslice/reconcile-slices.ts'
import type { Labels } from '../shared/match-labels.ts'
import { addressOf, isFinished, isReady, isTerminating } from '../shared/pod-facts.ts'
import { portsKey, resolvePorts } from '../shared/resolve-ports.ts'
import { OVER_CAPACITY, truncateSubsets } from './truncate-subsets.ts'

export const LABEL_ENDPOINTS_MANAGED_BY = 'endpoints.kubernetes.io/managed-by'

export function buildEndpoints(service: Service, pods: readonly Pod[]): Endpoints {
  const { subsets, truncated } = truncateSubsets(subsetsOf(service, pods))
  const { name, namespace } = service.metadata
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(service),
      ...(truncated ? { annotations: { [OVER_CAPACITY]: 'truncated' } } : {}),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  }
}

function labelsOf(service: Service): Labels {
  const { [LABEL_HEADLESS]: _headless, ...labels } = service.metadata.labels ?? {}
  return {
    ...labels,
    [LABEL_ENDPOINTS_MANAGED_BY]: 'endpoint-controller',
    ...(service.spec.clusterIP === 'None' ? { [LABEL_HEADLESS]: '' } : {}),
  }
}

type Group = {
  readonly ports: readonly EndpointPort[]
  readonly ready: EndpointAddress[]
  readonly notReady: EndpointAddress[]
}

function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const family = familiesOf(service)[0] ?? 'IPv4'
  const publishAll = service.spec.publishNotReadyAddresses === true
  const portless = (service.spec.ports ?? []).length === 0 && service.spec.clusterIP === 'None'
  const groups = new Map<string, Group>()
  for (const pod of pods) {
    if (pod.spec === undefined || isFinished(pod) || (isTerminating(pod) && !publishAll)) continue
    const ip = addressOf(pod, family)
    const ports = resolvePorts(service, pod)
    if (ip === undefined || (ports.length === 0 && !portless)) continue
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] }
    groups.set(key, group)
    const list = publishAll || isReady(pod) ? group.ready : group.notReady
    list.push(endpointAddress(pod, service, ip))
  }
  return [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length === 0 ? {} : { addresses: sorted(ready) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: sorted(notReady) }),
      ...(ports.length === 0 ? {} : { ports: ports.map(withoutEmptyName) }),
    }))
}

function endpointAddress(pod: Pod, service: Service, ip: string): EndpointAddress {
  const { hostname, subdomain, nodeName } = pod.spec
  const { name, namespace, uid } = pod.metadata
  return {
    ip,
    ...(hostname !== undefined && hostname !== '' && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    targetRef: {
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
  }
}

function sorted(addresses: readonly EndpointAddress[]): readonly EndpointAddress[] {
  const key = (address: EndpointAddress): string => `${address.ip} ${address.targetRef?.uid}`
  return [...addresses].sort((a, b) => compareText(key(a), key(b)))
}

function withoutEmptyName(port: EndpointPort): EndpointPort {
  const { name, ...rest } = port
  return name === undefined || name === '' ? rest : port
}

/** Whether a write is due: subsets, labels or the capacity annotation differ. The trigger time alone is no reason. */
export function sameEndpoints(a: Endpoints, b: Endpoints): boolean {
  return facts(a) === facts(b)
}

function facts(endpoints: Endpoints): string {
  const address = ({ ip, hostname, nodeName, targetRef }: EndpointAddress): unknown => [
    ip,
    hostname ?? '',
    nodeName ?? '',
    targetRef?.uid ?? '',
  ]
  const labels = Object.entries(endpoints.metadata.labels ?? {}).sort(([x], [y]) => compareText(x, y))
  return JSON.stringify([
    objectKey(endpoints),
    labels,
    endpoints.metadata.annotations?.[OVER_CAPACITY] ?? '',
    (endpoints.subsets ?? []).map((subset) => [
      (subset.addresses ?? []).map(address),
      (subset.notReadyAddresses ?? []).map(address),
      (subset.ports ?? []).map(({ name, port, protocol, appProtocol }) => [name ?? '', port, protocol, appProtocol]),
    ]),
  ])
}
