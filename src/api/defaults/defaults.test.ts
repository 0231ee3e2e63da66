import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Pod } from '../pod.ts'
import type { Service } from '../service.ts'
import { defaultEndpointSlice, defaultNode, defaultSecret } from './default-objects.ts'
import { defaultPod } from './default-pod.ts'
import { defaultService } from './default-service.ts'

function specOf(spec: object): object {
  return defaultService({ metadata: { name: 'a' }, spec } as Service).spec
}

describe('defaultService (api-server.md 12.1)', () => {
  const rows: readonly (readonly [string, object, object])[] = [
    [
      'type, affinity, internal policy',
      {},
      { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' },
    ],
    [
      'ports: protocol and target',
      {
        ports: [{ port: 80 }, { port: 81, targetPort: 0 }, { port: 82, targetPort: '' }, { port: 83, targetPort: 'x' }],
      },
      {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [
          { port: 80, protocol: 'TCP', targetPort: 80 },
          { port: 81, protocol: 'TCP', targetPort: 81 },
          { port: 82, protocol: 'TCP', targetPort: 82 },
          { port: 83, protocol: 'TCP', targetPort: 'x' },
        ],
      },
    ],
    [
      'sessionAffinity None wipes its config',
      { sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } },
      { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' },
    ],
    [
      'sessionAffinity ClientIP lasts three hours',
      { sessionAffinity: 'ClientIP' },
      {
        type: 'ClusterIP',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
        internalTrafficPolicy: 'Cluster',
      },
    ],
    [
      'NodePort: external policy',
      { type: 'NodePort' },
      { type: 'NodePort', sessionAffinity: 'None', externalTrafficPolicy: 'Cluster', internalTrafficPolicy: 'Cluster' },
    ],
    [
      'externalIPs: external policy',
      { externalIPs: ['192.0.2.1'] },
      {
        externalIPs: ['192.0.2.1'],
        type: 'ClusterIP',
        sessionAffinity: 'None',
        externalTrafficPolicy: 'Cluster',
        internalTrafficPolicy: 'Cluster',
      },
    ],
    [
      'LoadBalancer: node ports',
      { type: 'LoadBalancer' },
      {
        type: 'LoadBalancer',
        sessionAffinity: 'None',
        externalTrafficPolicy: 'Cluster',
        internalTrafficPolicy: 'Cluster',
        allocateLoadBalancerNodePorts: true,
      },
    ],
    [
      'ExternalName: no internal policy, even a given one',
      { type: 'ExternalName', internalTrafficPolicy: 'Local' },
      { type: 'ExternalName', sessionAffinity: 'None' },
    ],
  ]
  for (const [name, spec, expected] of rows) it(name, () => assert.deepEqual(specOf(spec), expected))

  it('status.loadBalancer.ingress: an address is a VIP', () => {
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'a.b' }] } }
    const service = defaultService({
      metadata: { name: 'a' },
      spec: { type: 'LoadBalancer' },
      status,
    } as unknown as Service)
    assert.deepEqual(service.status?.loadBalancer?.ingress, [{ ip: '192.0.2.1', ipMode: 'VIP' }, { hostname: 'a.b' }])
  })
})

describe('defaults of other kinds (api-server.md 14)', () => {
  it('Pod', () => {
    const containers = [
      { name: 'c', image: 'echo', ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } } },
    ]
    const spec = defaultPod({ metadata: { name: 'p' }, spec: { containers } } as unknown as Pod).spec as Record<
      string,
      unknown
    >
    assert.equal(spec['restartPolicy'], 'Always')
    assert.equal(spec['dnsPolicy'], 'ClusterFirst')
    assert.equal(spec['terminationGracePeriodSeconds'], 30)
    const [container] = spec['containers'] as [Record<string, unknown>]
    assert.equal(container['imagePullPolicy'], 'Always')
    assert.deepEqual(container['ports'], [{ containerPort: 80, protocol: 'TCP' }])
    assert.deepEqual(container['readinessProbe'], {
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
      httpGet: { path: '/', scheme: 'HTTP', port: 80 },
    })
  })

  const policies: readonly (readonly [string, string])[] = [
    ['echo', 'Always'],
    ['echo:latest', 'Always'],
    ['echo:1', 'IfNotPresent'],
    ['host:5000/echo', 'Always'],
    ['host:5000/echo:1', 'IfNotPresent'],
    ['echo@sha256:00', 'IfNotPresent'],
  ]
  for (const [image, policy] of policies) {
    it(`Pod imagePullPolicy of ${image}`, () => {
      const pod = defaultPod({
        metadata: { name: 'p' },
        spec: { containers: [{ name: 'c', image }] },
      } as unknown as Pod)
      assert.equal((pod.spec.containers[0] as { imagePullPolicy?: string }).imagePullPolicy, policy)
    })
  }

  it('EndpointSlice: empty lists are null, ports have a name and a protocol', () => {
    const meta = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 's' } }
    const slice = defaultEndpointSlice({ ...meta, addressType: 'IPv4', endpoints: [], ports: [{ port: 1 }] })
    assert.equal(slice.endpoints, null)
    assert.deepEqual(slice.ports, [{ port: 1, protocol: 'TCP', name: '' }])
  })

  it('Secret: stringData is folded in and wins', () => {
    const secret = defaultSecret({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: 'AAAA', b: 'AAAA' },
      stringData: { a: 'hello' },
    })
    assert.deepEqual(secret.data, { a: 'aGVsbG8=', b: 'AAAA' })
    assert.equal(secret.type, 'Opaque')
    assert.equal('stringData' in secret, false)
  })

  it('Node: podCIDR and podCIDRs are one', () => {
    const meta = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } }
    assert.deepEqual(defaultNode({ ...meta, spec: { podCIDR: '10.1.0.0/24' } }).spec?.podCIDRs, ['10.1.0.0/24'])
    assert.equal(
      defaultNode({ ...meta, spec: { podCIDRs: ['10.1.0.0/24', 'fd00::/64'] } }).spec?.podCIDR,
      '10.1.0.0/24',
    )
  })
})
