import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice, Service, ServiceSpec } from '#api'
import { buildServiceModel } from '#model'
import { DEFAULT_DATAPLANE_CONFIG } from './config.ts'
import { formatServicePlan } from './format.ts'
import { planNode } from './plan-node.ts'
import { planService } from './plan-service.ts'
import type { ServicePlan } from './types.ts'

const NODE = { name: 'node-1', addresses: ['172.18.0.11'], podCIDRs: [] }
const SPEC: ServiceSpec = {
  clusterIP: '10.96.0.1',
  clusterIPs: ['10.96.0.1'],
  ipFamilies: ['IPv4'],
  ports: [{ port: 80, nodePort: 30080 }],
}

function plan(
  spec: Partial<ServiceSpec>,
  options: { endpoints?: string; vip?: string; config?: object } = {},
): ServicePlan | undefined {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'ns', name: 'web' },
    spec: { ...SPEC, ...spec },
    ...(options.vip === undefined ? {} : { status: { loadBalancer: { ingress: [{ ip: options.vip }] } } }),
  }
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'ns', name: 'web-1' },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    // One letter an endpoint: L on this node, R elsewhere.
    endpoints: (options.endpoints ?? 'LR').split('').map((where, index) => ({
      addresses: [`10.244.${where === 'L' ? 1 : 2}.${index + 1}`],
      nodeName: where === 'L' ? 'node-1' : 'node-2',
    })),
  }
  const config = { ...DEFAULT_DATAPLANE_CONFIG, clusterCIDRs: ['10.244.0.0/16'], ...options.config }
  const node = planNode({ config, node: NODE, family: 'IPv4' })
  return planService(buildServiceModel({ service, slices: [slice], node: NODE, family: 'IPv4' }), node)
}

test('a skipped service has no plan', () => {
  assert.equal(plan({ type: 'ExternalName' }), undefined)
})

test('EP-14 EP-15 EP-16 EP-17 outcomes follow policies and lists', () => {
  const outcomes = (spec: Partial<ServiceSpec>, endpoints: string): unknown[] => {
    const port = plan({ type: 'NodePort', ...spec }, { endpoints })?.ports[0]
    return [port?.internal, port?.external].map((outcome) =>
      outcome?.kind === 'forward' ? outcome.list : outcome?.kind,
    )
  }
  assert.deepEqual(outcomes({}, 'LR'), ['cluster', 'cluster'])
  assert.deepEqual(outcomes({ externalTrafficPolicy: 'Local' }, 'LR'), ['cluster', 'local'])
  assert.deepEqual(outcomes({ internalTrafficPolicy: 'Local' }, 'LR'), ['local', 'cluster'])
  assert.deepEqual(outcomes({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }, 'R'), ['drop', 'drop'])
  assert.deepEqual(outcomes({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }, ''), [
    'reject',
    'reject',
  ])
  assert.deepEqual(outcomes({ ports: [{ port: 80 }], externalTrafficPolicy: 'Local' }, 'R'), ['cluster', undefined])
})

test('EP-13 the reachable ones are the union of the lists that are read', () => {
  const reachable = (spec: Partial<ServiceSpec>): string[] =>
    plan(spec, { endpoints: 'LRL' })?.ports[0]?.reachable.map(({ key }) => key) ?? []
  assert.deepEqual(reachable({ type: 'NodePort', externalTrafficPolicy: 'Local' }).length, 3)
  assert.deepEqual(reachable({ ports: [{ port: 80 }], internalTrafficPolicy: 'Local' }), [
    '10.244.1.1:8080',
    '10.244.1.3:8080',
  ])
})

test('TG-12 TG-13 whose packets to the cluster IP are masqueraded', () => {
  const masquerade = (config: object): string | undefined => plan({}, { config })?.ports[0]?.internalMasquerade
  assert.equal(masquerade({}), 'sources-outside-pods')
  assert.equal(masquerade({ clusterCIDRs: [] }), 'never')
  assert.equal(masquerade({ clusterCIDRs: [], masqueradeAll: true }), 'always')
})

test('TG-22 a range that holds the node lets VIPs in as sources', () => {
  const allowed = (range: string): boolean | undefined =>
    plan({ type: 'LoadBalancer', loadBalancerSourceRanges: [range] }, { vip: '198.51.100.1' })?.ports[0]
      ?.allowVirtualIPSources
  assert.equal(allowed('172.18.0.0/24'), true)
  assert.equal(allowed('10.0.0.0/8'), false)
})

test('the plan prints as columns', () => {
  const spec: Partial<ServiceSpec> = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 32000,
  }
  const text = formatServicePlan(
    plan({ ...spec, sessionAffinity: 'ClientIP' }, { vip: '198.51.100.1' }) ?? { key: '', family: 'IPv4', ports: [] },
  )
  assert.equal(
    text,
    [
      'ns/web IPv4',
      '  cluster-ip 10.96.0.1:80/tcp -> 10.244.1.1:8080 10.244.2.2:8080 (cluster) masquerade=sources-outside-pods affinity=10800s',
      '  vip 198.51.100.1:80/tcp -> 10.244.1.1:8080 (local) short-circuit=pods,node affinity=10800s',
      '  node-port *:30080/tcp -> 10.244.1.1:8080 (local) short-circuit=pods,node affinity=10800s',
      '  health :32000 local=1',
      '',
    ].join('\n'),
  )
})
