/** The decisions of the replicaset controller; its loop is tested in conformance/kinds.test.ts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Pod, ReplicaSet } from '#api'
import { samplePod } from '../testing/sample-objects.ts'
import { chooseVictims } from './choose-victims.ts'
import { countReplicas, sameCounts } from './replica-counts.ts'
import { slowStart } from './slow-start.ts'

type Change = {
  readonly node?: string
  readonly phase?: 'Pending' | 'Running'
  readonly ready?: boolean
  readonly since?: string
  readonly created?: string
  readonly cost?: string
  readonly restarts?: number
}

function pod(name: string, change: Change = {}): Pod {
  const { node = 'node-1', phase = 'Running', ready = true, since = '2026-01-01T00:05:00Z', restarts = 0 } = change
  const made = samplePod(name, { ready, phase, readySince: since, spec: { nodeName: node } })
  return {
    ...made,
    metadata: {
      ...made.metadata,
      creationTimestamp: change.created ?? '2026-01-01T00:00:00Z',
      ...(change.cost === undefined
        ? {}
        : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': change.cost } }),
    },
    status: {
      ...made.status,
      containerStatuses: [{ name: 'c', ready, restartCount: restarts, image: '', imageID: '' }],
    },
  }
}

describe('chooseVictims (ActivePodsWithRanks)', () => {
  const rows: readonly (readonly [string, Change, Change])[] = [
    ['without a node before with one', { node: '' }, {}],
    ['Pending before Running', { phase: 'Pending', node: 'node-2' }, { node: 'node-2' }],
    ['not ready before ready', { ready: false }, {}],
    ['lower deletion cost first', { cost: '-5' }, { cost: '3' }],
    ['ready for a shorter time first', { since: '2026-01-01T00:09:00Z' }, { since: '2026-01-01T00:01:00Z' }],
    ['more restarts first', { restarts: 3 }, { restarts: 1 }],
    ['younger first', { created: '2026-01-02T00:00:00Z' }, { created: '2026-01-01T00:00:00Z' }],
  ]
  for (const [name, victim, survivor] of rows) {
    it(name, () => {
      // Both orders, so that the answer does not come from the input.
      for (const pods of [
        [pod('z', victim), pod('a', survivor)],
        [pod('a', survivor), pod('z', victim)],
      ]) {
        assert.deepEqual(
          chooseVictims(pods, 1).map(({ metadata }) => metadata.name),
          ['z'],
        )
      }
    })
  }
  it('from the node that has most of them', () => {
    const pods = [pod('a', { node: 'node-1' }), pod('b', { node: 'node-2' }), pod('c', { node: 'node-2' })]
    assert.deepEqual(
      chooseVictims(pods, 1).map(({ spec }) => spec.nodeName),
      ['node-2'],
    )
  })
  it('as many as asked, and no more than there are', () => {
    const pods = [pod('a'), pod('b'), pod('c')]
    assert.deepEqual(
      [0, 2, 5].map((count) => chooseVictims(pods, count).length),
      [0, 2, 3],
    )
  })
})

describe('countReplicas', () => {
  const set = (minReadySeconds: number): ReplicaSet =>
    ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r', generation: 4 },
      spec: { minReadySeconds, selector: {}, template: { metadata: { labels: { app: 'web' } }, spec: {} } },
    }) as unknown as ReplicaSet
  const milliseconds = Date.parse('2026-01-01T00:05:10Z')

  it('ready pods are available when they have been ready for long enough', () => {
    const pods = [pod('a'), pod('b', { ready: false }), pod('c', { since: '2026-01-01T00:04:00Z' })]
    const { status, nextAvailable } = countReplicas(set(30), pods, { milliseconds, failure: undefined })
    assert.deepEqual(
      [status.replicas, status.readyReplicas, status.availableReplicas, status.fullyLabeledReplicas],
      [3, 2, 1, 3],
    )
    assert.equal(status.observedGeneration, 4)
    assert.equal(nextAvailable, 20_000)
    assert.equal(countReplicas(set(0), pods, { milliseconds, failure: undefined }).status.availableReplicas, 2)
  })
  it('a failure is a condition, and goes with its cause', () => {
    const failure = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'no' } as const
    const bad = countReplicas(set(0), [], { milliseconds, failure }).status
    assert.deepEqual(bad.conditions, [failure])
    const good = countReplicas({ ...set(0), status: bad }, [], { milliseconds, failure: undefined }).status
    assert.deepEqual(good.conditions, [])
    assert.ok(!sameCounts(bad, good))
  })
  it('zero and absent say the same', () => {
    assert.ok(sameCounts(undefined, { replicas: 0, readyReplicas: 0, conditions: [] }))
    assert.ok(!sameCounts(undefined, { replicas: 1 }))
  })
})

describe('slowStart', () => {
  it('doubles its batches while all goes well', async () => {
    let running = 0
    const peaks: number[] = []
    const failures = await slowStart(10, async () => {
      running += 1
      peaks.push(running)
      await Promise.resolve()
      running -= 1
    })
    assert.deepEqual(failures, [])
    assert.deepEqual(peaks, [1, 1, 2, 1, 2, 3, 4, 1, 2, 3])
  })
  it('stops after the batch that has a failure', async () => {
    let calls = 0
    const failures = await slowStart(100, async () => {
      calls += 1
      if (calls === 3) throw new Error('full')
    })
    assert.equal(calls, 3)
    assert.equal(failures.length, 1)
  })
})
