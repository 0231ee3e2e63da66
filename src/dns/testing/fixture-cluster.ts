/** The cluster of the DNS reference's section 7, as objects: what the rows of its query table are asked of. */
import type { Endpoint, EndpointSlice, Namespace, Pod, Service, ServicePort, ServiceSpec } from '#api'

export const HTTP: ServicePort = { name: 'http', protocol: 'TCP', port: 80 }

export type SliceSpec = {
  readonly service: string
  readonly endpoints: readonly Endpoint[]
  readonly ports?: Readonly<Record<string, number>>
  readonly namespace?: string
  readonly suffix?: string
}

export function namespaceOf(name: string): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

export function serviceOf(name: string, spec: ServiceSpec, namespace = 'testns'): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec }
}

export function clusterIp(name: string, addresses: readonly string[], ports: readonly ServicePort[] = [HTTP]): Service {
  return serviceOf(name, { clusterIP: addresses[0] ?? '', clusterIPs: addresses, ports })
}

export function headless(name: string, ports: readonly ServicePort[] = []): Service {
  return serviceOf(name, { clusterIP: 'None', clusterIPs: ['None'], ports })
}

export function externalName(name: string, target: string): Service {
  return serviceOf(name, { type: 'ExternalName', externalName: target })
}

export function sliceOf(spec: SliceSpec): EndpointSlice {
  const { service, endpoints, ports = {}, namespace = 'testns', suffix = 'a' } = spec
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-${suffix}`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: endpoints[0]?.addresses[0]?.includes(':') === true ? 'IPv6' : 'IPv4',
    endpoints,
    ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol: 'TCP' })),
  }
}

export function endpoint(
  address: string,
  rest: Omit<Endpoint, 'addresses'> = { conditions: { ready: true } },
): Endpoint {
  return { addresses: [address], ...rest }
}

export function named(address: string, hostname: string): Endpoint {
  return endpoint(address, { hostname, conditions: { ready: true } })
}

export function podOf(name: string, addresses: readonly string[], phase: 'Running' | 'Succeeded' = 'Running'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'testns' },
    spec: { containers: [] },
    status: { phase, podIP: addresses[0] ?? '', podIPs: addresses.map((ip) => ({ ip })) },
  }
}

export const FIXTURE_PODS: readonly Pod[] = [
  podOf('web-0', ['10.1.0.1', 'fd00:1::101']),
  podOf('job-done', ['10.1.0.200'], 'Succeeded'),
]

export const FIXTURE_NAMESPACES: readonly Namespace[] = ['default', 'testns', 'otherns', 'kube-system'].map(namespaceOf)

export const FIXTURE_SERVICES: readonly Service[] = [
  serviceOf(
    'kubernetes',
    { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ports: [{ ...HTTP, port: 443 }] },
    'default',
  ),
  clusterIp('web', ['10.96.1.1'], [HTTP, { name: 'https', protocol: 'TCP', port: 443 }]),
  clusterIp('unnamed', ['10.96.1.2'], [{ protocol: 'TCP', port: 80 }]),
  clusterIp('dual', ['10.96.1.3', 'fd00:10:96::3']),
  clusterIp('v6only', ['fd00:10:96::6']),
  clusterIp('noports', ['10.96.1.9'], []),
  clusterIp('empty', ['10.96.1.20']),
  {
    ...serviceOf('lb', {
      type: 'LoadBalancer',
      clusterIP: '10.96.1.30',
      clusterIPs: ['10.96.1.30'],
      ports: [HTTP],
      externalIPs: ['203.0.113.9'],
    }),
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.10' }] } },
  },
  headless('hdls', [HTTP]),
  headless('hdlsnoport'),
  headless('hdlsempty', [HTTP]),
  headless('hdlsunready', [HTTP]),
  headless('hdlsbig', [HTTP]),
  headless('sss', [
    { name: 'peer', port: 7000 },
    { name: 'cli', port: 7001 },
  ]),
  headless('v6zero'),
  headless('shareda'),
  headless('sharedb'),
  headless('twice', [HTTP]),
  externalName('ext', 'www.example.com'),
  externalName('extdot', 'www.example.com.'),
  externalName('extnx', 'nx.example.com'),
  externalName('extfail', 'fail.example.com'),
  externalName('extsvc', 'web.testns.svc.cluster.local'),
  externalName('extgone', 'gone.testns.svc.cluster.local'),
  externalName('extloop', 'extloop.testns.svc.cluster.local'),
  externalName('exta', 'extb.testns.svc.cluster.local'),
  externalName('extb', 'exta.testns.svc.cluster.local'),
  externalName('extip', '192.0.2.7'),
]

export const FIXTURE_SLICES: readonly EndpointSlice[] = [
  sliceOf({
    service: 'web',
    endpoints: [
      named('10.1.0.1', 'web-0'),
      endpoint('10.1.0.2', { targetRef: { kind: 'Pod', name: 'web-1-abc' }, conditions: { ready: true } }),
    ],
    ports: { http: 8080, https: 8443 },
  }),
  sliceOf({
    service: 'hdls',
    endpoints: [
      endpoint('10.1.0.3'),
      endpoint('10.1.0.4'),
      named('10.1.0.5', 'dup'),
      named('10.1.0.6', 'dup'),
      endpoint('10.1.0.98', {}),
      endpoint('10.1.0.99', { conditions: { ready: false } }),
      endpoint('10.1.0.97', { conditions: { ready: false, serving: true, terminating: true } }),
    ],
    ports: { http: 8080 },
  }),
  sliceOf({
    service: 'hdls',
    suffix: 'six',
    endpoints: [endpoint('fd00:1::5'), endpoint('fd00:1::6')],
    ports: { http: 8080 },
  }),
  sliceOf({ service: 'hdlsnoport', endpoints: [endpoint('10.1.0.20')] }),
  sliceOf({ service: 'hdlsempty', endpoints: [], ports: { http: 8080 } }),
  sliceOf({
    service: 'hdlsunready',
    endpoints: [endpoint('10.1.0.30', { conditions: { ready: false } })],
    ports: { http: 8080 },
  }),
  sliceOf({
    service: 'hdlsbig',
    endpoints: Array.from({ length: 100 }, (_, i) => endpoint(`10.2.0.${i + 1}`)),
    ports: { http: 8080 },
  }),
  sliceOf({
    service: 'sss',
    endpoints: [0, 1, 2].map((i) => named(`10.1.0.${40 + i}`, `sss-${i}`)),
    ports: { peer: 7000, cli: 7001 },
  }),
  sliceOf({ service: 'v6zero', endpoints: [endpoint('fd00:1:2:3::')] }),
  sliceOf({ service: 'shareda', endpoints: [named('10.1.0.60', 'peer')] }),
  sliceOf({ service: 'sharedb', endpoints: [named('10.1.0.60', 'peer')] }),
  sliceOf({ service: 'twice', endpoints: [named('10.1.0.61', 'one')], ports: { http: 8080 } }),
  sliceOf({ service: 'twice', suffix: 'b', endpoints: [named('10.1.0.61', 'one')], ports: { http: 8080 } }),
]
