import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Endpoint, EndpointSlice, Node, Pod, Service, ServiceSpec } from '#api'
import { portsKey } from '../shared/resolve-ports.ts'
import type { PodOptions } from '../testing/sample-objects.ts'
import { applyChanges, sampleNode, samplePod, sampleService } from '../testing/sample-objects.ts'
import { reconcileSlices } from './reconcile-slices.ts'

const nodes = new Map([
  ['node-1', sampleNode('node-1', 'zone-a')],
  ['node-2', sampleNode('node-2', 'zone-b')],
])
const node = (name: string): Node | undefined => nodes.get(name)

type Given = { existing?: readonly EndpointSlice[]; triggerTime?: string; limit?: number }

function settle(service: Service, pods: readonly Pod[], given: Given = {}) {
  const existing = given.existing ?? []
  const result = reconcileSlices({ service, pods, node, ...given, existing })
  return { ...result, slices: applyChanges(existing, result) }
}

function podsNamed(count: number, first = 0): Pod[] {
  return Array.from({ length: count }, (_, i) => {
    const number = first + i
    return samplePod(`p${String(number).padStart(3, '0')}`, { ips: [`10.0.${number >> 8}.${number & 255}`] })
  })
}

const sizes = (slices: readonly EndpointSlice[]): readonly number[] =>
  slices.map((slice) => slice.endpoints?.length ?? 0).sort((a, b) => b - a)

test('15.1 a slice has the name prefix, owner, labels, port and endpoint of its service', () => {
  const service: Service = {
    ...sampleService('web', {
      ports: [{ name: 'http', port: 80, targetPort: 8080, appProtocol: 'kubernetes.io/h2c' }],
    }),
  }
  const labelled = {
    ...service,
    metadata: { ...service.metadata, labels: { team: 'x', 'kubernetes.io/service-name': 'evil' } },
  }
  const { create } = settle(labelled, [samplePod('p')], { triggerTime: '2026-01-01T00:05:00Z' })
  assert.deepEqual(create, [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: '',
        generateName: 'web-',
        namespace: 'default',
        labels: {
          team: 'x',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Service',
            name: 'web',
            uid: 'service-web',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:05:00Z' },
      },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.0.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { kind: 'Pod', name: 'p', namespace: 'default', uid: 'pod-p' },
          nodeName: 'node-1',
          zone: 'zone-a',
        },
      ],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080, appProtocol: 'kubernetes.io/h2c' }],
    },
  ])
})

test('15.1 which pods are in, and their conditions', () => {
  type Row = readonly [PodOptions, Partial<ServiceSpec>, string]
  const table: readonly Row[] = [
    [{}, {}, 'ready serving'],
    [{ ready: false }, {}, ''],
    [{ terminating: true }, {}, 'serving terminating'],
    [{ terminating: true, ready: false }, {}, 'terminating'],
    [{ ready: false }, { publishNotReadyAddresses: true }, 'ready'],
    [{ terminating: true }, { publishNotReadyAddresses: true }, 'ready serving terminating'],
    [{ phase: 'Succeeded' }, {}, 'out'],
    [{ phase: 'Failed' }, { publishNotReadyAddresses: true }, 'out'],
    [{ ips: [] }, {}, 'out'],
    [{ ips: ['nonsense'] }, {}, 'out'],
    [{ spec: { nodeName: 'gone' } }, {}, 'out'],
    [{ spec: { nodeName: 'gone' } }, { publishNotReadyAddresses: true }, 'ready serving'],
  ]
  for (const [options, spec, expected] of table) {
    const { slices } = settle(sampleService('web', spec), [samplePod('p', options)])
    const endpoint = slices[0]?.endpoints?.[0]
    const { ready, serving, terminating } = endpoint?.conditions ?? {}
    const words = [ready === true && 'ready', serving === true && 'serving', terminating === true && 'terminating']
    assert.equal(
      endpoint === undefined ? 'out' : words.filter(Boolean).join(' '),
      expected,
      JSON.stringify([options, spec]),
    )
  }
})

test('15.1 a pod without a node is reported', () => {
  const { withoutNode } = settle(sampleService('web'), [samplePod('p', { spec: { nodeName: 'gone' } })])
  assert.deepEqual(
    withoutNode.map((pod) => pod.metadata.name),
    ['p'],
  )
})

test('15.1 named target ports are found per pod and protocol, in sidecars too', () => {
  const service = sampleService('web', {
    ports: [
      { name: 'a', port: 80, targetPort: 'web' },
      { name: 'b', port: 53, targetPort: 'dns', protocol: 'UDP' },
    ],
  })
  const web = (containerPort: number): PodOptions['spec'] => ({
    containers: [{ name: 'main', ports: [{ name: 'web', containerPort }] }],
  })
  const pods = [
    samplePod('a', { ips: ['10.0.0.1'], spec: web(8080) as object }),
    samplePod('b', { ips: ['10.0.0.2'], spec: web(9090) as object }),
    samplePod('c', {
      ips: ['10.0.0.3'],
      spec: {
        containers: [{ name: 'main', ports: [{ name: 'dns', containerPort: 53, protocol: 'TCP' }] }],
        initContainers: [
          { name: 'init', ports: [{ name: 'web', containerPort: 1 }] },
          { name: 'side', restartPolicy: 'Always', ports: [{ name: 'dns', containerPort: 5353, protocol: 'UDP' }] },
        ],
      },
    }),
    samplePod('d', { ips: ['10.0.0.4'] }),
  ]
  const { slices } = settle(service, pods)
  const seen = slices.map((slice) => [portsKey(slice.ports), slice.endpoints?.map(({ addresses }) => addresses[0])])
  assert.deepEqual(seen, [
    ['["a","TCP",8080,null]', ['10.0.0.1']],
    ['["a","TCP",9090,null]', ['10.0.0.2']],
    ['["b","UDP",5353,null]', ['10.0.0.3']],
    ['', ['10.0.0.4']],
  ])
})

test('15.1 dual-stack: a set of slices per family; a pod without that family is not in it', () => {
  const service = sampleService('web', { ipFamilies: ['IPv6', 'IPv4'] })
  const { slices } = settle(service, [
    samplePod('a', { ips: ['10.0.0.1', 'fd00::1'] }),
    samplePod('b', { ips: ['10.0.0.2'] }),
  ])
  assert.deepEqual(
    slices.map((slice) => [slice.addressType, slice.endpoints?.map(({ addresses }) => addresses[0])]),
    [
      ['IPv6', ['fd00::1']],
      ['IPv4', ['10.0.0.1', '10.0.0.2']],
    ],
  )
  const single = settle(sampleService('web'), [], { existing: slices })
  assert.deepEqual(
    single.delete.map((slice) => slice.addressType),
    ['IPv6'],
  )
})

test('15.1 without endpoints: one placeholder a family, written once', () => {
  const service = sampleService('web', { ipFamilies: ['IPv4', 'IPv6'] })
  const first = settle(service, [])
  assert.deepEqual(
    first.slices.map((slice) => [slice.addressType, slice.endpoints, slice.ports]),
    [
      ['IPv4', [], []],
      ['IPv6', [], []],
    ],
  )
  const stored = first.slices.map((slice) => ({ ...slice, endpoints: null, ports: null }))
  assert.deepEqual(
    sizesOf(settle(service, [], { existing: stored })),
    [0, 0, 0],
    'a server reads empty lists back as null',
  )
  const filled = settle(service, [samplePod('p', { ips: ['10.0.0.1', 'fd00::1'] })], { existing: stored })
  assert.deepEqual(sizesOf(filled), [0, 2, 0], 'placeholders are filled, not replaced')
  const emptied = settle(service, [], { existing: filled.slices })
  assert.deepEqual(sizesOf(emptied), [0, 2, 0])
  assert.deepEqual(sizes(emptied.slices), [0, 0])
})

function sizesOf(changes: { create: readonly unknown[]; update: readonly unknown[]; delete: readonly unknown[] }) {
  return [changes.create.length, changes.update.length, changes.delete.length]
}

test('15.1 headless: label, hostnames, and endpoints without ports', () => {
  const service = sampleService('web', { clusterIP: 'None', ports: [] })
  const { slices } = settle(service, [
    samplePod('a', { ips: ['10.0.0.1'], spec: { hostname: 'db-0', subdomain: 'web' } }),
    samplePod('b', { ips: ['10.0.0.2'], spec: { hostname: 'db-1', subdomain: 'other' } }),
  ])
  assert.equal(slices[0]?.metadata.labels?.['service.kubernetes.io/headless'], '')
  assert.deepEqual(slices[0]?.ports, [])
  assert.deepEqual(
    slices[0]?.endpoints?.map(({ hostname }) => hostname),
    ['db-0', undefined],
  )
})

test('15.1 packing as measured: 100/100/20, 40/100/20, 50/100/20, 100/100/60', () => {
  const service = sampleService('web')
  let pods = podsNamed(220)
  let { slices } = settle(service, pods)
  assert.deepEqual(sizes(slices), [100, 100, 20])
  const [first] = slices.filter((slice) => slice.endpoints?.length === 100)
  const gone = new Set(first?.endpoints?.slice(0, 60).map((endpoint) => endpoint.targetRef?.name))
  pods = pods.filter((pod) => !gone.has(pod.metadata.name))
  let next = settle(service, pods, { existing: slices })
  assert.deepEqual(
    [sizesOf(next), sizes(next.slices)],
    [
      [0, 1, 0],
      [100, 40, 20],
    ],
  )
  slices = next.slices
  pods = [...pods, ...podsNamed(10, 300)]
  next = settle(service, pods, { existing: slices })
  assert.deepEqual(
    [sizesOf(next), sizes(next.slices)],
    [
      [0, 1, 0],
      [100, 50, 20],
    ],
    'the tightest fit',
  )
  slices = next.slices
  pods = [...pods, ...podsNamed(90, 400)]
  next = settle(service, pods, { existing: slices })
  assert.deepEqual(
    [sizesOf(next), sizes(next.slices)],
    [
      [1, 0, 0],
      [100, 90, 50, 20],
    ],
    'nothing fits whole: a new slice',
  )
})

test('15.1 a changed slice takes new endpoints before an unchanged one does', () => {
  const service = sampleService('web')
  const pods = podsNamed(150)
  const { slices } = settle(service, pods)
  const replaced = [...pods.filter((pod) => pod.metadata.name !== 'p000'), ...podsNamed(1, 500)]
  const next = settle(service, replaced, { existing: slices })
  assert.deepEqual(
    [sizesOf(next), sizes(next.slices)],
    [
      [0, 1, 0],
      [100, 50],
    ],
  )
})

test('15.1 a new port list rewrites slices in place; labels too; foreign owners are removed', () => {
  const pods = podsNamed(2)
  const before = settle(sampleService('web'), pods).slices
  const moved = settle(sampleService('web', { ports: [{ name: 'http', port: 80, targetPort: 9090 }] }), pods, {
    existing: before,
  })
  assert.deepEqual(sizesOf(moved), [0, 1, 0])
  assert.equal(moved.slices[0]?.metadata.name, before[0]?.metadata.name)
  assert.equal(moved.slices[0]?.ports?.[0]?.port, 9090)
  const service = sampleService('web')
  const labelled = { ...service, metadata: { ...service.metadata, labels: { a: 'b' } } }
  assert.deepEqual(sizesOf(settle(labelled, pods, { existing: before })), [0, 1, 0])
  const reborn = { ...service, metadata: { ...service.metadata, uid: 'another' } }
  assert.deepEqual(sizesOf(settle(reborn, pods, { existing: before })), [1, 0, 1])
})

test('15.1 the trigger time is set on what is written, and removed when none is known', () => {
  const key = 'endpoints.kubernetes.io/last-change-trigger-time'
  const service = sampleService('web')
  const { slices } = settle(service, podsNamed(1), { triggerTime: '2026-01-01T00:00:00Z' })
  assert.equal(slices[0]?.metadata.annotations?.[key], '2026-01-01T00:00:00Z')
  assert.deepEqual(
    sizesOf(settle(service, podsNamed(1), { existing: slices, triggerTime: 'x' })),
    [0, 0, 0],
    'no reason to write',
  )
  const after = settle(service, podsNamed(2), { existing: slices })
  assert.equal(after.slices[0]?.metadata.annotations, undefined)
})

test('15.1 two pods with one address are one endpoint: the one that works', () => {
  const dying = samplePod('a', { terminating: true })
  const { slices } = settle(sampleService('web'), [dying, samplePod('b')])
  assert.deepEqual(
    slices[0]?.endpoints?.map(({ targetRef }) => targetRef?.name),
    ['b'],
  )
})

test('15.2 hints follow trafficDistribution, for ready endpoints with a zone', () => {
  const zone = { forZones: [{ name: 'zone-a' }] }
  const both = { ...zone, forNodes: [{ name: 'node-1' }] }
  const table: readonly (readonly [string | undefined, PodOptions, Endpoint['hints']])[] = [
    [undefined, {}, undefined],
    ['PreferClose', {}, zone],
    ['PreferSameZone', {}, zone],
    ['PreferSameNode', {}, both],
    ['PreferSameZone', { ready: false }, undefined],
    ['PreferSameNode', { terminating: true }, undefined],
    ['SomethingNew', {}, undefined],
  ]
  for (const [trafficDistribution, options, hints] of table) {
    const spec = trafficDistribution === undefined ? {} : { trafficDistribution }
    const { slices } = settle(sampleService('web', spec), [samplePod('p', options)])
    assert.deepEqual(slices[0]?.endpoints?.[0]?.hints, hints, `${trafficDistribution} ${JSON.stringify(options)}`)
  }
  const service = sampleService('web', { trafficDistribution: 'PreferClose' })
  const auto = {
    ...service,
    metadata: { ...service.metadata, annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
  }
  const { slices } = settle(auto, [samplePod('p')])
  assert.equal(slices[0]?.endpoints?.[0]?.hints, undefined)
  assert.deepEqual(
    sizesOf(settle(service, [samplePod('p')], { existing: slices })),
    [0, 1, 0],
    'hints alone are a reason to write',
  )
})

test('whatever happens to pods and service, slices end as made from scratch, with no write too many', () => {
  const limit = 4
  const podStep = fc.record({
    pod: fc.nat(11),
    what: fc.constantFrom('add', 'add', 'remove', 'ready', 'unready', 'terminate', 'node', 'port', 'single'),
  })
  const serviceSpec = fc.record({
    ipFamilies: fc.constantFrom(['IPv4'], ['IPv6'], ['IPv4', 'IPv6']),
    publishNotReadyAddresses: fc.boolean(),
    trafficDistribution: fc.constantFrom('', 'PreferClose'),
    ports: fc.constantFrom([{ name: 'http', port: 80, targetPort: 'web' }], [{ name: '', port: 80, targetPort: 1 }]),
    clusterIP: fc.constantFrom('10.96.0.1', 'None'),
  })
  const step = fc.oneof({ weight: 4, arbitrary: podStep }, { weight: 1, arbitrary: serviceSpec })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const options = new Map<number, PodOptions>()
      let spec: Partial<ServiceSpec> = {}
      let slices: EndpointSlice[] = []
      for (const one of steps) {
        if ('what' in one) changePod(options, one)
        else spec = one as Partial<ServiceSpec>
        const service = sampleService('web', spec)
        const pods = [...options].map(([i, podOptions]) => samplePod(`p${i}`, podOptions))
        const before = slices
        const next = settle(service, pods, { existing: before, limit })
        slices = next.slices
        const scratch = settle(service, pods, { limit }).slices
        assert.deepEqual(contents(slices), contents(scratch))
        assert.ok(sizes(slices).every((size) => size <= limit))
        for (const slice of next.update) {
          const old = before.find((candidate) => candidate.metadata.name === slice.metadata.name)
          assert.notDeepEqual(old, slice, 'a slice that did not change was written')
        }
        assert.deepEqual(
          sizesOf(settle(service, pods, { existing: slices, limit })),
          [0, 0, 0],
          'a second look finds no work',
        )
      }
    }),
    { numRuns: 150 },
  )
})

function changePod(pods: Map<number, PodOptions>, step: { pod: number; what: string }): void {
  const { pod, what } = step
  const old = pods.get(pod)
  const ips = [`10.0.0.${pod + 1}`, `fd00::${pod + 1}`]
  const port = (containerPort: number) => ({
    nodeName: 'node-1',
    containers: [{ name: 'main', ports: [{ name: 'web', containerPort }] }],
  })
  if (what === 'add') pods.set(pod, { ips, spec: port(8080) })
  else if (old === undefined) return
  else if (what === 'remove') pods.delete(pod)
  else if (what === 'ready') pods.set(pod, { ...old, ready: true })
  else if (what === 'unready') pods.set(pod, { ...old, ready: false })
  else if (what === 'terminate') pods.set(pod, { ...old, terminating: true })
  else if (what === 'node')
    pods.set(pod, { ...old, spec: { ...old.spec, nodeName: pod % 2 === 0 ? 'node-2' : 'gone' } })
  else if (what === 'port') pods.set(pod, { ...old, spec: port(9090) })
  else pods.set(pod, { ...old, ips: [`10.0.1.${pod + 1}`] })
}

/** Every endpoint with its family, ports and slice labels, as a sorted list: duplicates would show. */
function contents(slices: readonly EndpointSlice[]): readonly string[] {
  return slices
    .flatMap((slice) => {
      const frame = [slice.addressType, portsKey(slice.ports), slice.metadata.labels]
      const endpoints = slice.endpoints ?? []
      return endpoints.length === 0
        ? [JSON.stringify([...frame, 'placeholder'])]
        : endpoints.map((endpoint) => JSON.stringify([...frame, endpoint]))
    })
    .sort()
}
