import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice, Service, ServiceSpec } from '#api'
import type { Family } from '#lib'
import { buildServiceModel } from './build-service-model.ts'
import { formatServiceModel } from './format.ts'
import { NODE, serviceOf, sliceOf } from './testing/objects.ts'
import type { ServiceModel } from './types.ts'

const PORT = { name: 'http', protocol: 'TCP', port: 80 } as const
const SPEC: ServiceSpec = { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ipFamilies: ['IPv4'], ports: [PORT] }

function build(service: Service, slices: readonly EndpointSlice[] = [], family: Family = 'IPv4'): ServiceModel {
  return buildServiceModel({ service, slices, node: NODE, family })
}

function keysOf(model: ServiceModel, port = 0): string[] {
  return model.ports[port]?.decisions.map(({ endpoint }) => endpoint.key) ?? []
}

test('IN-1 IN-7 IN-8 a service without rules says why', () => {
  const skipped = (spec: ServiceSpec, labels?: Record<string, string>): string | undefined => {
    const metadata = { namespace: 'ns', name: 'web', ...(labels === undefined ? {} : { labels }) }
    return build(serviceOf(spec, { metadata })).skipped
  }
  assert.equal(skipped(SPEC), undefined)
  assert.equal(skipped({ ...SPEC, type: 'ExternalName' }), 'external-name')
  assert.equal(skipped({ ports: [PORT], clusterIP: 'None', clusterIPs: ['None'] }), 'headless')
  assert.equal(skipped({ ports: [PORT], clusterIP: '' }), 'no-cluster-ip')
  assert.equal(
    skipped({ ...SPEC, clusterIPs: ['fd00::1'], clusterIP: 'fd00::1', ipFamilies: ['IPv6'] }),
    'no-cluster-ip-of-family',
  )
  assert.equal(skipped({ ports: [PORT], clusterIP: 'fd00::1' }), 'no-cluster-ip-of-family')
  assert.equal(skipped({ ...SPEC, clusterIPs: ['10.96.0.999'] }), 'invalid-cluster-ip')
  assert.equal(skipped(SPEC, { 'service.kubernetes.io/service-proxy-name': '' }), 'other-proxy')
})

test('IN-8 CC-61 the cluster IP is found by its family, whatever the order', () => {
  const ips = (families: Family[], addresses: string[], family: Family): string | undefined =>
    build(
      serviceOf({ ports: [PORT], clusterIP: addresses[0] ?? '', clusterIPs: addresses, ipFamilies: families }),
      [],
      family,
    ).clusterIP
  assert.equal(ips(['IPv6', 'IPv4'], ['fd00::1', '10.96.0.1'], 'IPv4'), '10.96.0.1')
  assert.equal(ips(['IPv4', 'IPv6'], ['10.96.0.1', 'fd00::1'], 'IPv6'), 'fd00::1')
})

test('IN-9 printed names; the protocol is part of identity alone', () => {
  const model = build(serviceOf({ ...SPEC, ports: [PORT, { ...PORT, protocol: 'UDP' }, { port: 81 }] }))
  assert.deepEqual(
    model.ports.map(({ printedName, protocol }) => `${printedName} ${protocol}`),
    ['ns/web:http TCP', 'ns/web:http UDP', 'ns/web TCP'],
  )
})

test('IN-11 external Local counts only where the type lets the outside in', () => {
  const policy = (spec: Partial<ServiceSpec>): string | undefined =>
    build(serviceOf({ ...SPEC, externalTrafficPolicy: 'Local', ...spec })).ports[0]?.externalPolicy
  assert.equal(policy({ type: 'NodePort', ports: [{ ...PORT, nodePort: 30000 }] }), 'Local')
  assert.equal(policy({ externalIPs: ['203.0.113.1'] }), 'Local')
  assert.equal(policy({}), 'Cluster')
  assert.equal(policy({ type: 'LoadBalancer' }), 'Cluster')
})

test('IN-13 the health-check port needs LoadBalancer and Local, and reports when it is missing', () => {
  const spec: ServiceSpec = { ...SPEC, type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
  assert.equal(build(serviceOf({ ...spec, healthCheckNodePort: 32000 })).healthCheckNodePort, 32000)
  assert.equal(
    build(serviceOf({ ...spec, externalTrafficPolicy: 'Cluster', healthCheckNodePort: 32000 })).healthCheckNodePort,
    undefined,
  )
  assert.deepEqual(
    build(serviceOf(spec)).problems.map(({ code }) => code),
    ['health-check-port-missing'],
  )
})

test('IN-14 IN-15 CC-55 CC-56 load-balancer addresses', () => {
  const ingress = [
    { ip: '198.51.100.1' },
    { ip: '198.51.100.2', ipMode: 'VIP' },
    { ip: '198.51.100.3', ipMode: 'Proxy' },
    { hostname: 'lb.example' },
    { ip: 'fd00::5' },
  ] as const
  const service = serviceOf(SPEC, { status: { loadBalancer: { ingress } } })
  assert.deepEqual(build(service).virtualIPs, ['198.51.100.1', '198.51.100.2'])
})

test('IN-16 CC-51 CC-52 CC-53 source ranges', () => {
  const ranges = (...loadBalancerSourceRanges: string[]): readonly string[] =>
    build(serviceOf({ ...SPEC, loadBalancerSourceRanges })).sourceRanges
  assert.deepEqual(ranges(' 203.0.113.7/24 ', 'fd00::/8'), ['203.0.113.0/24'])
  assert.deepEqual(ranges('10.0.0.0/8', '0.0.0.0/0'), [])
  assert.deepEqual(ranges('fd00::/8'), [])
  const broken = build(serviceOf({ ...SPEC, loadBalancerSourceRanges: ['10.0.0.0/8', 'nonsense'] }))
  assert.deepEqual(broken.sourceRanges, ['10.0.0.0/8'])
  assert.deepEqual(
    broken.problems.map(({ code, field }) => [code, field]),
    [['invalid-source-range', 'spec.loadBalancerSourceRanges[1]']],
  )
})

test('IN-18 CC-59 addresses are decimal and canonical', () => {
  const model = build(
    serviceOf({ ...SPEC, clusterIPs: ['172.030.000.041'], externalIPs: ['172.030.001.001', '172.30.1.1', 'FD00::1'] }),
  )
  assert.equal(model.clusterIP, '172.30.0.41')
  assert.deepEqual(model.externalIPs, ['172.30.1.1'])
})

test('IN-19 affinity without a timeout gets the default', () => {
  const affinity = (spec: Partial<ServiceSpec>): number | undefined =>
    build(serviceOf({ ...SPEC, ...spec })).affinitySeconds
  assert.equal(affinity({}), undefined)
  assert.equal(affinity({ sessionAffinity: 'ClientIP' }), 10_800)
  assert.equal(affinity({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }), 5)
})

test('one bad port never loses the others', () => {
  const ports = [
    { ...PORT, port: 0 },
    { name: 'ok', port: 81 },
    { name: 'odd', port: 82, protocol: 'ICMP' as 'TCP' },
  ]
  const model = build(serviceOf({ ...SPEC, ports }))
  assert.deepEqual(
    model.ports.map(({ name }) => name),
    ['ok'],
  )
  assert.deepEqual(
    model.problems.map(({ code }) => code),
    ['invalid-port', 'unknown-protocol'],
  )
})

test('a name that could break out of a rule text is refused', () => {
  const evil = 'x\n-A INPUT -j ACCEPT'
  const model = build(serviceOf({ ...SPEC, ports: [PORT, { name: evil, port: 81 }] }))
  assert.deepEqual(
    model.ports.map(({ name }) => name),
    ['http'],
  )
  assert.deepEqual(
    model.problems.map(({ code }) => code),
    ['invalid-port-name'],
  )
  assert.equal(build(serviceOf(SPEC, { metadata: { namespace: 'ns', name: evil } })).skipped, 'invalid-name')
})

test('IN-2 IN-22 CC-30 slices of another family or with the headless label are ignored, with the reason', () => {
  const endpoint = { addresses: ['10.0.0.1'] }
  const model = build(serviceOf(SPEC), [
    sliceOf([endpoint], { metadata: { name: 'h', namespace: 'ns', labels: { 'service.kubernetes.io/headless': '' } } }),
    sliceOf([{ addresses: ['fd00::1'] }], { name: 'six', addressType: 'IPv6' }),
    sliceOf([{ addresses: ['db.example'] }], { name: 'fqdn', addressType: 'FQDN' }),
    sliceOf([endpoint], { name: 'used' }),
  ])
  assert.deepEqual(keysOf(model), ['10.0.0.1:8080'])
  assert.deepEqual(
    model.ignoredSlices.map(({ slice, reason }) => `${slice} ${reason.code}`),
    ['h headless-label', 'six wrong-family', 'fqdn wrong-family'],
  )
})

test('IN-24 CC-31 ports match by name and protocol, never by number', () => {
  const endpoints = [{ addresses: ['10.0.0.1'] }]
  const ports = (...list: EndpointSlice['ports'] & object): ServiceModel =>
    build(serviceOf(SPEC), [sliceOf(endpoints, { ports: list })])
  assert.deepEqual(keysOf(ports({ name: 'http', port: 8080 })), ['10.0.0.1:8080'])
  assert.deepEqual(keysOf(ports({ name: 'http', port: 8080, protocol: 'UDP' })), [])
  const unnamed = build(serviceOf({ ...SPEC, ports: [{ port: 80 }] }), [
    sliceOf(endpoints, { ports: [{ name: '', port: 8080 }] }),
  ])
  assert.deepEqual(keysOf(unnamed), ['10.0.0.1:8080'])
  const nil = ports({ port: 8080 })
  assert.deepEqual(keysOf(nil), [])
  assert.deepEqual(
    nil.problems.map(({ code }) => code),
    ['unnamed-endpoint-port'],
  )
  const renamed = ports({ name: 'web', port: 8080 })
  assert.deepEqual(
    renamed.ports[0]?.discarded.map(({ reason }) => reason),
    [{ code: 'port-name-mismatch', offered: ['web/TCP'] }],
  )
})

test('IN-25 the first address counts; absent conditions mean ready', () => {
  const model = build(serviceOf(SPEC), [
    sliceOf([{ addresses: ['10.0.0.1', '10.0.0.2'] }, { addresses: [] }, { addresses: ['10.0.0.x'] }]),
  ])
  assert.deepEqual(keysOf(model), ['10.0.0.1:8080'])
  assert.equal(model.ports[0]?.clusterEndpoints.length, 1)
  assert.deepEqual(
    model.ports[0]?.discarded.map(({ reason }) => reason.code),
    ['no-address', 'invalid-address'],
  )
  assert.deepEqual(
    model.problems.map(({ object, field }) => `${object} ${field}`),
    ['EndpointSlice ns/web-1 endpoints[2].addresses[0]'],
  )
})

test('IN-26 local is this node by name; CC-32 without a name it is remote', () => {
  const model = build(serviceOf({ ...SPEC, internalTrafficPolicy: 'Local' }), [
    sliceOf([
      { addresses: ['10.0.0.1'], nodeName: 'node-1' },
      { addresses: ['10.0.0.2'] },
      { addresses: ['10.0.0.3'], nodeName: 'x' },
    ]),
  ])
  assert.deepEqual(
    model.ports[0]?.localEndpoints.map(({ address }) => address),
    ['10.0.0.1'],
  )
})

test('IN-27 CC-29 one name, two numbers: one pool', () => {
  const model = build(serviceOf(SPEC), [
    sliceOf([{ addresses: ['10.0.0.1'] }], { name: 'a', ports: [{ name: 'http', port: 8080 }] }),
    sliceOf([{ addresses: ['10.0.0.2'] }], { name: 'b', ports: [{ name: 'http', port: 8081 }] }),
  ])
  assert.deepEqual(keysOf(model), ['10.0.0.1:8080', '10.0.0.2:8081'])
})

test('IN-28 CC-26 of two entries for one address the ready one wins in either order', () => {
  const ready = sliceOf([{ addresses: ['10.0.0.1'], conditions: { ready: true } }], { name: 'r' })
  const leaving = sliceOf(
    [{ addresses: ['10.0.0.1'], conditions: { ready: false, serving: true, terminating: true } }],
    { name: 't' },
  )
  for (const slices of [
    [ready, leaving],
    [leaving, ready],
  ]) {
    const port = build(serviceOf(SPEC), slices).ports[0]
    assert.deepEqual(
      port?.decisions.map(({ endpoint }) => endpoint.slice),
      ['r'],
    )
    assert.deepEqual(port?.discarded, [
      { slice: 't', address: '10.0.0.1', reason: { code: 'duplicate-of', key: '10.0.0.1:8080', slice: 'r' } },
    ])
  }
})

test('IN-29 order is that of the text', () => {
  const endpoints = ['10.0.1.2', '10.0.1.10', '10.0.1.1'].map((address) => ({ addresses: [address] }))
  assert.deepEqual(keysOf(build(serviceOf(SPEC), [sliceOf(endpoints)])), [
    '10.0.1.10:8080',
    '10.0.1.1:8080',
    '10.0.1.2:8080',
  ])
})

test('HC-5 CC-158 CC-159 the health count is of distinct local ready addresses', () => {
  const spec: ServiceSpec = { ...SPEC, ports: [PORT, { name: 'two', port: 81 }] }
  const at = (address: string, ready: boolean, nodeName = 'node-1'): EndpointSlice['endpoints'] => [
    { addresses: [address], nodeName, conditions: ready ? {} : { ready: false, serving: true, terminating: true } },
  ]
  const ports = [
    { name: 'http', port: 8080 },
    { name: 'two', port: 8081 },
  ]
  const model = build(serviceOf(spec), [
    sliceOf(
      [...(at('10.0.0.1', true) ?? []), ...(at('10.0.0.2', false) ?? []), ...(at('10.0.0.3', true, 'node-2') ?? [])],
      { ports },
    ),
  ])
  assert.equal(model.localReadyAddresses, 1)
})

test('the model prints as columns', () => {
  const text = formatServiceModel(
    build(serviceOf({ ...SPEC, internalTrafficPolicy: 'Local' }), [
      sliceOf([
        { addresses: ['10.0.0.1'], nodeName: 'node-1' },
        { addresses: ['10.0.0.2'], nodeName: 'node-2' },
      ]),
      sliceOf([], { name: 'six', addressType: 'IPv6' }),
    ]),
  )
  assert.equal(
    text,
    [
      'ns/web IPv4',
      'PORT             FRONTENDS     ENDPOINT       NODE    CLUSTER  LOCAL',
      'ns/web:http/TCP  10.96.0.1:80  10.0.0.1:8080  node-1  -        ready',
      'ns/web:http/TCP  10.96.0.1:80  10.0.0.2:8080  node-2  -        other-node(node-2)',
      '- slice six: wrong-family',
      '',
    ].join('\n'),
  )
  assert.equal(
    formatServiceModel(build(serviceOf({ type: 'ExternalName' }))),
    'ns/web IPv4: no rules (external-name)\n',
  )
})
