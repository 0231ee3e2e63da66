import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Endpoint, Node } from '#api'
import fc from 'fast-check'
import { sampleNode, samplePod, sampleService } from '../testing/sample-objects.ts'
import { reconcileSlices } from './reconcile-slices.ts'
import { shareEndpoints } from './share-endpoints.ts'
import type { ZoneShares } from './zone-shares.ts'
import { zoneSharesOf } from './zone-shares.ts'

const sizedNode = (name: string, zone: string | undefined, cpu: string): Node => {
  const node = sampleNode(name, zone, { ready: name === 'silent' ? 'False' : 'True' })
  return { ...node, status: { ...node.status, allocatable: { cpu } } }
}
const endpoint = (number: number, zone?: string, ready = true): Endpoint => ({
  addresses: [`10.0.0.${String(number).padStart(3, '0')}`],
  conditions: { ready },
  ...(zone === undefined ? {} : { zone }),
})
const shares = (parts: Readonly<Record<string, number>>): ZoneShares => ({ shares: new Map(Object.entries(parts)) })
const hintsOf = (endpoints: readonly Endpoint[]): readonly string[] =>
  endpoints.map(({ hints }) => (hints?.forZones ?? []).map(({ name }) => name).join())
const TWO = shares({ a: 0.5, b: 0.5 })

test('15.2 zones share by the CPU of their ready nodes, the control plane aside', () => {
  const master = sizedNode('m', 'c', '64')
  const nodes = [
    sizedNode('1', 'a', '2'),
    sizedNode('2', 'a', '1500m'),
    sizedNode('3', 'b', '0.5'),
    sizedNode('silent', 'c', '8'),
    {
      ...master,
      metadata: {
        ...master.metadata,
        labels: { ...master.metadata.labels, 'node-role.kubernetes.io/control-plane': '' },
      },
    },
  ]
  assert.deepEqual(zoneSharesOf(nodes), shares({ a: 0.875, b: 0.125 }))
})

test('15.2 without two zones, or with a node that tells too little, nothing can be shared', () => {
  const info = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
  const rows: readonly (readonly [readonly Node[], string])[] = [
    [[], info],
    [[sizedNode('1', 'a', '2'), sizedNode('2', undefined, '2')], info],
    [[sizedNode('1', 'a', '2'), sizedNode('2', 'b', 'many')], info],
    [[sizedNode('1', 'a', '2'), sizedNode('2', 'a', '2')], 'Nodes only ready in one zone'],
  ]
  for (const [nodes, problem] of rows) assert.deepEqual(zoneSharesOf(nodes), { problem })
})

test('15.2 every reason for which there are no hints is told', () => {
  const tight = shares({ a: 0.1, b: 0.45, c: 0.45 })
  const rows: readonly (readonly [readonly Endpoint[], ZoneShares, string])[] = [
    [[endpoint(1, 'a')], { problem: 'Nodes only ready in one zone' }, 'Nodes only ready in one zone'],
    [[endpoint(1, 'a')], TWO, 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
    [[endpoint(1, 'a'), endpoint(2)], TWO, 'One or more endpoints do not have a zone specified'],
    [
      [1, 2, 3].map((i) => endpoint(i, 'a')),
      tight,
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
    ],
  ]
  for (const [endpoints, zones, why] of rows) {
    assert.deepEqual(shareEndpoints(endpoints, { zones, family: 'IPv4' }), {
      endpoints,
      report: { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: `${why}, addressType: IPv4` },
    })
  }
  const unready = [endpoint(1, 'a', false)]
  assert.deepEqual(shareEndpoints(unready, { zones: TWO, family: 'IPv4' }), { endpoints: unready })
})

test('15.2 endpoints stay in their zone, and what is too many there goes where too few are', () => {
  const even = [endpoint(1, 'a'), endpoint(2, 'b'), endpoint(3, 'a', false)]
  assert.deepEqual(hintsOf(shareEndpoints(even, { zones: TWO, family: 'IPv4' }).endpoints), ['a', 'b', ''])
  const crowded = [1, 2, 3, 4].map((i) => endpoint(i, 'a'))
  assert.deepEqual(hintsOf(shareEndpoints(crowded, { zones: TWO, family: 'IPv4' }).endpoints), ['a', 'a', 'b', 'b'])
  const stranded = [endpoint(1, 'a'), endpoint(2, 'gone'), endpoint(3, 'b'), endpoint(4, 'gone')]
  assert.deepEqual(hintsOf(shareEndpoints(stranded, { zones: TWO, family: 'IPv4' }).endpoints).toSorted(), [
    'a',
    'a',
    'b',
    'b',
  ])
})

test('15.2 whatever the zones, each gets its minimum, every ready endpoint one hint, and order does not matter', () => {
  const zone = fc.constantFrom('a', 'b', 'c', 'gone')
  const weights = fc.record({
    a: fc.integer({ min: 1, max: 20 }),
    b: fc.integer({ min: 1, max: 20 }),
    c: fc.integer({ min: 1, max: 20 }),
  })
  fc.assert(
    fc.property(weights, fc.array(zone, { minLength: 1, maxLength: 40 }), (cpu, where) => {
      const total = cpu.a + cpu.b + cpu.c
      const parts = { a: cpu.a / total, b: cpu.b / total, c: cpu.c / total }
      const endpoints = where.map((name, i) => endpoint(i, name))
      const made = shareEndpoints(endpoints, { zones: shares(parts), family: 'IPv4' })
      const hints = hintsOf(made.endpoints)
      const again = shareEndpoints(endpoints.toReversed(), { zones: shares(parts), family: 'IPv4' })
      assert.deepEqual(hintsOf(again.endpoints).toReversed(), hints)
      if (made.report?.type !== 'Normal') return assert.ok(hints.every((text) => text === ''))
      for (const [name, share] of Object.entries(parts)) {
        const count = hints.filter((text) => text === name).length
        assert.ok(count >= Math.ceil((share * where.length) / 1.2), `${name} has ${count}`)
      }
      assert.ok(hints.every((text) => Object.hasOwn(parts, text)))
    }),
    { numRuns: 200 },
  )
})

test('15.2 a Service with the annotation gets them in its slices, whatever its trafficDistribution', () => {
  const plain = sampleService('web', { trafficDistribution: 'PreferClose' })
  const service = {
    ...plain,
    metadata: { ...plain.metadata, annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
  }
  const pods = ['1', '2'].map((i) => samplePod(`p${i}`, { ips: [`10.0.0.${i}`] }))
  const node = (): Node => sampleNode('node-1', 'a')
  const { create, hints } = reconcileSlices({ service, pods, node, existing: [], zones: TWO })
  assert.deepEqual(hintsOf(create.flatMap(({ endpoints }) => endpoints ?? [])), ['a', 'b'])
  assert.deepEqual(
    hints.map(({ reason }) => reason),
    ['TopologyAwareHintsEnabled'],
  )
  const unasked = reconcileSlices({ service: plain, pods, node, existing: [], zones: TWO })
  assert.deepEqual(unasked.hints, [])
  assert.deepEqual(hintsOf(unasked.create.flatMap(({ endpoints }) => endpoints ?? [])), ['a', 'a'])
})
