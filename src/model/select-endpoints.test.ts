import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeVerdict } from './format.ts'
import type { SelectionInput } from './select-endpoints.ts'
import { selectEndpoints } from './select-endpoints.ts'
import { endpointOf, NODE } from './testing/objects.ts'

type Case = {
  /** Endpoint a, b, c, … in words (testing/objects.ts). */
  readonly pool: readonly string[]
  readonly node?: Partial<typeof NODE>
  readonly policy?: 'iTP' | 'eTP' | 'both'
  readonly inside?: true
  readonly cluster: string
  readonly local?: string
  readonly any?: boolean
}

const CASES: Readonly<Record<string, Case>> = {
  'CC-1 zone hints keep the own zone': {
    pool: ['R rdy z:zone-a', 'R rdy z:b', 'R rdy z:c', 'R rdy z:zone-a'],
    cluster: 'ad',
  },
  'CC-2 EP-10 one unhinted ready endpoint keeps all': {
    pool: ['R rdy z:zone-a', 'R rdy z:b', 'R rdy'],
    cluster: 'abc',
  },
  'CC-3 an unready one of the zone': { pool: ['R bad z:zone-a', 'R rdy z:b', 'R rdy z:zone-a'], cluster: 'c' },
  'EP-10 an unhinted unready one does not matter': { pool: ['R bad', 'R rdy z:b', 'R rdy z:zone-a'], cluster: 'c' },
  'CC-4 nobody ready is hinted for here': { pool: ['R bad z:zone-a', 'R rdy z:b', 'R rdy z:c'], cluster: 'bc' },
  'CC-5 a node without a zone': { pool: ['R rdy z:zone-a', 'R rdy z:b'], node: { zone: '' }, cluster: 'ab' },
  'CC-6 the only endpoint is hinted elsewhere': { pool: ['R rdy z:b'], cluster: 'a' },
  'CC-7 hinted for several zones': { pool: ['R rdy z:b,zone-a', 'R rdy z:b'], cluster: 'a' },
  'CC-8 node hints win over zones': { pool: ['L rdy n:node-1 z:b', 'R rdy n:node-2 z:zone-a'], cluster: 'a' },
  'CC-9 node hints that name others fall through to zones': {
    pool: ['R rdy n:node-3 z:zone-a', 'R rdy n:node-2 z:b'],
    cluster: 'a',
  },
  'CC-10 one without any hint keeps all': { pool: ['L rdy n:node-1 z:zone-a', 'R rdy'], cluster: 'ab' },
  'CC-12 EP-7 hints do not touch the local list': {
    pool: ['L rdy z:zone-a', 'L rdy z:b', 'R rdy z:b', 'R rdy z:zone-a'],
    policy: 'eTP',
    cluster: 'ad',
    local: 'ab',
  },
  'CC-13 internal Local and nobody here': {
    pool: ['R rdy', 'R rdy'],
    policy: 'iTP',
    inside: true,
    cluster: '',
    local: '',
    any: true,
  },
  'CC-15 both Local, only remote terminating': { pool: ['R term'], policy: 'both', cluster: 'a', local: '' },
  'CC-16 EP-6 the lists decide apart': {
    pool: ['R rdy', 'L bad', 'L term', 'R term'],
    policy: 'eTP',
    cluster: 'a',
    local: 'c',
  },
  'CC-17 external Local without an external frontend': {
    pool: ['L rdy', 'R rdy'],
    policy: 'eTP',
    inside: true,
    cluster: 'ab',
    local: '',
  },
  'CC-18 EP-8 nothing usable': { pool: ['L bad', 'R bad'], policy: 'eTP', cluster: '', local: '', any: false },
  'EP-5 terminating ones everywhere, hints ignored': { pool: ['R term z:b', 'L term z:b', 'R bad'], cluster: 'ab' },
  'EP-12 internal Local sees usable ones anywhere': {
    pool: ['R term'],
    policy: 'iTP',
    inside: true,
    cluster: '',
    local: '',
    any: true,
  },
  'EP-2 internal Local with an external frontend needs the cluster list': {
    pool: ['L rdy', 'R rdy'],
    policy: 'iTP',
    cluster: 'ab',
    local: 'a',
  },
}

for (const [name, wanted] of Object.entries(CASES)) {
  test(name, () => {
    const pool = wanted.pool.map((words, index) => endpointOf('abcdef'[index] ?? '', words))
    const { zone, ...rest } = { ...NODE, ...wanted.node }
    const input: SelectionInput = {
      pool,
      node: zone === '' || zone === undefined ? rest : { ...rest, zone },
      internalPolicy: wanted.policy === 'iTP' || wanted.policy === 'both' ? 'Local' : 'Cluster',
      externalPolicy: wanted.policy === 'eTP' || wanted.policy === 'both' ? 'Local' : 'Cluster',
      accessible: wanted.inside !== true,
    }
    const selection = selectEndpoints(input)
    const names = (list: readonly { address: string }[]): string => list.map(({ address }) => address).join('')
    assert.equal(names(selection.clusterEndpoints), wanted.cluster)
    assert.equal(names(selection.localEndpoints), wanted.local ?? '')
    assert.equal(selection.anyEndpoints, wanted.any ?? true)
    // What was refused says why, and what was chosen does not.
    for (const { endpoint, cluster, local } of selection.decisions) {
      assert.equal(cluster.chosen, wanted.cluster.includes(endpoint.address))
      assert.equal(local.chosen, (wanted.local ?? '').includes(endpoint.address))
    }
  })
}

test('every refusal carries its reason', () => {
  const pool = [
    endpointOf('a', 'L rdy z:zone-a'),
    endpointOf('b', 'L term z:zone-a'),
    endpointOf('c', 'L bad z:zone-a'),
    endpointOf('d', 'R rdy z:b'),
  ]
  const { decisions } = selectEndpoints({
    pool,
    node: NODE,
    internalPolicy: 'Cluster',
    externalPolicy: 'Local',
    accessible: true,
  })
  assert.deepEqual(
    decisions.map(({ cluster, local }) => [describeVerdict(cluster), describeVerdict(local)]),
    [
      ['ready', 'ready'],
      ['terminating-unused', 'terminating-unused'],
      ['not-ready', 'not-ready'],
      ['other-zone(b)', 'other-node(node-2)'],
    ],
  )
})

test('UP-29 the step of EP-9 that applied is part of the answer', () => {
  const topology = (...pool: readonly string[]): unknown =>
    selectEndpoints({
      pool: pool.map((words) => endpointOf('a', words)),
      node: NODE,
      internalPolicy: 'Cluster',
      externalPolicy: 'Cluster',
      accessible: false,
    }).topology
  assert.deepEqual(topology('R rdy z:zone-a'), { kind: 'same-zone', zone: 'zone-a' })
  assert.deepEqual(topology('R rdy n:node-1'), { kind: 'same-node' })
  assert.deepEqual(topology('R rdy z:b'), { kind: 'none', because: 'not-hinted-here' })
  assert.deepEqual(topology('R rdy z:b', 'R rdy'), { kind: 'none', because: 'unhinted-endpoint' })
  assert.deepEqual(topology('R rdy'), { kind: 'none', because: 'no-hints' })
  assert.deepEqual(topology('R term'), { kind: 'none', because: 'no-ready-endpoint' })
})
