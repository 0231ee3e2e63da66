/** Small Services and EndpointSlices for tests: say what matters, the rest is what the API server would have filled in. */
import type { Endpoint, EndpointSlice, Service, ServicePort, ServiceSpec } from '#api'
import type { Family } from '#lib'

export type ServiceShape = Omit<Partial<ServiceSpec>, 'ports'> & {
  readonly name?: string
  readonly ports?: readonly (Partial<ServicePort> & { readonly port: number })[]
  /** Load-balancer addresses in status. */
  readonly vips?: readonly (
    string | { readonly ip?: string; readonly hostname?: string; readonly ipMode?: 'VIP' | 'Proxy' }
  )[]
  readonly labels?: Readonly<Record<string, string>>
}

export function service(shape: ServiceShape = {}): Service {
  const { name = 'web', ports = [{ port: 80 }], vips, labels, ...spec } = shape
  const clusterIPs = spec.clusterIPs ?? [spec.clusterIP ?? '10.96.0.10']
  const ipFamilies = clusterIPs.map((address): Family => (address.includes(':') ? 'IPv6' : 'IPv4'))
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'ns', ...(labels === undefined ? {} : { labels }) },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIPs[0] ?? '',
      clusterIPs,
      ipFamilies,
      internalTrafficPolicy: 'Cluster',
      ...spec,
      ports: ports.map((port) => ({ protocol: 'TCP', ...port })),
    },
    ...(vips === undefined
      ? {}
      : {
          status: {
            loadBalancer: { ingress: vips.map((vip) => (typeof vip === 'string' ? { ip: vip } : vip)) },
          },
        }),
  }
}

export type SliceShape = {
  readonly name?: string
  readonly service?: string
  readonly addressType?: EndpointSlice['addressType']
  readonly ports?: EndpointSlice['ports']
  readonly endpoints: readonly Endpoint[]
}

export function slice(shape: SliceShape): EndpointSlice {
  const owner = shape.service ?? 'web'
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: shape.name ?? `${owner}-1`,
      namespace: 'ns',
      labels: { 'kubernetes.io/service-name': owner },
    },
    addressType: shape.addressType ?? 'IPv4',
    ports: shape.ports ?? [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: shape.endpoints,
  }
}

type State = 'ready' | 'terminating' | 'bad'

const CONDITIONS = {
  ready: { ready: true, serving: true, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
  bad: { ready: false, serving: false, terminating: true },
} as const

/** An endpoint on this node (`node-1`). */
export function here(address: string, state: State = 'ready'): Endpoint {
  return { addresses: [address], nodeName: 'node-1', conditions: CONDITIONS[state] }
}

/** An endpoint on another node. */
export function there(address: string, state: State = 'ready'): Endpoint {
  return { addresses: [address], nodeName: 'node-2', conditions: CONDITIONS[state] }
}
