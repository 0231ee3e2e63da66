/** The decisions of the deployment controller, and whole rollouts played through with them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Deployment, DeploymentSpec, ReplicaSet } from '#api'
import fc from 'fast-check'
import { conditionOf, deploymentStatus, isComplete } from './deployment-status.ts'
import {
  DESIRED,
  findCurrent,
  HASH_LABEL,
  MAXIMUM,
  newReplicaSet,
  nextRevision,
  REVISION,
  staleAnnotations,
  templateHash,
  templateText,
} from './revisions.ts'
import { currentSize, limitsOf, shareOut, shrinkOthers, sizeOf, total } from './rolling-update.ts'

function deployment(spec: Partial<DeploymentSpec> = {}, rest: Partial<Deployment> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation: 2 },
    spec: {
      replicas: 10,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'echo:1' }] } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      ...spec,
    },
    ...rest,
  }
}

type Sizes = {
  readonly replicas: number
  readonly available?: number
  readonly ready?: number
  readonly maximum?: number
}

function replicaSet(name: string, { replicas, available = replicas, ready = available, maximum }: Sizes): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'default',
      creationTimestamp: `2026-01-01T00:00:0${name.charCodeAt(0) % 10}Z`,
      ...(maximum === undefined ? {} : { annotations: { [MAXIMUM]: String(maximum) } }),
    },
    spec: { replicas, selector: {}, template: { spec: { containers: [{ name: 'c', image: name }] } } },
    status: { replicas, availableReplicas: available, readyReplicas: ready },
  }
}

const strategy = (maxSurge: number | string, maxUnavailable: number | string): Partial<DeploymentSpec> => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
})

describe('revisions', () => {
  it('a template is itself whatever its order of fields and whichever hash it carries', () => {
    const { template } = deployment().spec
    const labels = { [HASH_LABEL]: 'x', app: 'web' }
    const other = { spec: { containers: [{ image: 'echo:1', name: 'c' }] }, metadata: { labels } }
    assert.equal(templateText(other), templateText(template))
    assert.notEqual(templateText({ ...template, metadata: { labels: { app: 'x' } } }), templateText(template))
  })
  it('the hash is a name part, and another one after a collision', () => {
    const { template } = deployment().spec
    assert.match(templateHash(template, 0), /^[a-z2-7]{10}$/)
    assert.notEqual(templateHash(template, 0), templateHash(template, 1))
  })
  it('a new ReplicaSet selects and labels its pods by hash, and knows its revision', () => {
    const annotations = { 'kubernetes.io/change-cause': 'why', [REVISION]: '7' }
    const made = newReplicaSet(deployment({}, { metadata: { name: 'web', namespace: 'n', annotations } }), {
      replicas: 3,
      revision: 8,
      maximum: 13,
    })
    const hash = made.metadata.labels?.[HASH_LABEL] ?? ''
    assert.equal(made.metadata.name, `web-${hash}`)
    assert.deepEqual(made.spec.selector.matchLabels, { app: 'web', [HASH_LABEL]: hash })
    assert.deepEqual(made.spec.template.metadata?.labels, { app: 'web', [HASH_LABEL]: hash })
    assert.deepEqual(made.metadata.annotations, {
      'kubernetes.io/change-cause': 'why',
      [REVISION]: '8',
      [DESIRED]: '10',
      [MAXIMUM]: '13',
    })
    assert.equal(made.metadata.ownerReferences?.[0]?.controller, true)
    assert.equal(findCurrent(deployment(), [replicaSet('a', { replicas: 1 }), made]), made)
  })
  it('a template that comes back gets the next revision, and its history remembers', () => {
    const old: ReplicaSet = {
      ...replicaSet('a', { replicas: 0 }),
      metadata: { name: 'a', annotations: { [REVISION]: '1' } },
    }
    const other: ReplicaSet = {
      ...replicaSet('b', { replicas: 1 }),
      metadata: { name: 'b', annotations: { [REVISION]: '2' } },
    }
    assert.equal(nextRevision([other]), 3)
    assert.deepEqual(staleAnnotations(deployment(), old, 3), {
      [REVISION]: '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
    assert.equal(staleAnnotations(deployment(), other, 2), undefined)
  })
})

describe('limitsOf', () => {
  const rows: readonly (readonly [number | string, number | string, number, { surge: number; unavailable: number }])[] =
    [
      ['25%', '25%', 10, { surge: 3, unavailable: 2 }],
      ['25%', '25%', 1, { surge: 1, unavailable: 0 }],
      [2, 1, 10, { surge: 2, unavailable: 1 }],
      [0, '1%', 10, { surge: 0, unavailable: 1 }],
      [0, 100, 3, { surge: 0, unavailable: 3 }],
    ]
  for (const [surge, unavailable, replicas, expected] of rows) {
    it(`surge ${surge}, unavailable ${unavailable} of ${replicas}`, () =>
      assert.deepEqual(limitsOf(deployment({ replicas, ...strategy(surge, unavailable) })), expected))
  }
})

describe('currentSize and shrinkOthers (rolling.go)', () => {
  it('surges as far as allowed', () => {
    const old = replicaSet('a', { replicas: 10 })
    assert.equal(currentSize(deployment(), undefined, [old]), 3)
    assert.equal(currentSize(deployment(), replicaSet('b', { replicas: 3 }), [old]), 3)
    assert.equal(currentSize(deployment(), replicaSet('b', { replicas: 12 }), []), 10)
    assert.equal(currentSize(deployment({ strategy: { type: 'Recreate' } }), undefined, [old]), 10)
  })
  it('takes from the old only what the minimum leaves', () => {
    const resize = (current: ReplicaSet, ...others: ReplicaSet[]): readonly (readonly [string, number])[] =>
      shrinkOthers(deployment(), current, others).map(({ set, replicas }) => [set.metadata.name, replicas] as const)
    assert.deepEqual(resize(replicaSet('b', { replicas: 3, available: 0 }), replicaSet('a', { replicas: 10 })), [
      ['a', 8],
    ])
    assert.deepEqual(resize(replicaSet('b', { replicas: 5, available: 5 }), replicaSet('a', { replicas: 8 })), [
      ['a', 3],
    ])
    assert.deepEqual(resize(replicaSet('b', { replicas: 5, available: 0 }), replicaSet('a', { replicas: 8 })), [])
  })
  it('pods that do not work go first', () => {
    const broken = replicaSet('b', { replicas: 4, available: 0 })
    const good = replicaSet('a', { replicas: 8 })
    const sizes = shrinkOthers(deployment(), replicaSet('c', { replicas: 1, available: 0 }), [good, broken])
    assert.deepEqual(
      sizes.map(({ set, replicas }) => [set.metadata.name, replicas]),
      [['b', 0]],
    )
  })
})

describe('shareOut (a resize in the middle of a rollout)', () => {
  const sizes = (spec: Partial<DeploymentSpec>, current: ReplicaSet | undefined, ...others: ReplicaSet[]): object =>
    Object.fromEntries(
      shareOut(deployment(spec), current, others).map(({ set, replicas }) => [set.metadata.name, replicas]),
    )

  it('one ReplicaSet takes it all', () => {
    assert.deepEqual(sizes({ replicas: 4 }, replicaSet('a', { replicas: 10 })), { a: 4 })
    assert.deepEqual(sizes({ replicas: 4 }, replicaSet('a', { replicas: 4 })), {})
  })
  it('several share by size', () => {
    const current = replicaSet('b', { replicas: 5, maximum: 13 })
    const old = replicaSet('a', { replicas: 8, maximum: 13 })
    assert.deepEqual(sizes({ replicas: 20 }, current, old), { a: 15, b: 10 })
    assert.deepEqual(sizes({ replicas: 0 }, current, old), { a: 0, b: 0 })
  })
  it('when the current one has all its pods, the others end', () => {
    assert.deepEqual(sizes({}, replicaSet('b', { replicas: 10 }), replicaSet('a', { replicas: 2 })), { a: 0 })
  })
})

describe('deploymentStatus', () => {
  const now = Date.parse('2026-01-01T00:10:00Z')
  const progressing = (d: Deployment, current: ReplicaSet, ...others: ReplicaSet[]): string => {
    const { conditions } = deploymentStatus(d, { current, others, now })
    const condition = conditions?.find(({ type }) => type === 'Progressing')
    return `${condition?.status} ${condition?.reason}`
  }
  it('complete when all pods are of the current template and available', () => {
    const status = deploymentStatus(deployment(), { current: replicaSet('b', { replicas: 10 }), others: [], now })
    assert.ok(isComplete(deployment(), status))
    assert.deepEqual([status.updatedReplicas, status.unavailableReplicas, status.observedGeneration], [10, 0, 2])
    assert.equal(progressing(deployment(), replicaSet('b', { replicas: 10 })), 'True NewReplicaSetAvailable')
  })
  it('available while no more than allowed are missing', () => {
    const available = (count: number): string | undefined => {
      const current = replicaSet('b', { replicas: 10, available: count })
      return deploymentStatus(deployment(), { current, others: [], now }).conditions?.find(
        ({ type }) => type === 'Available',
      )?.status
    }
    assert.deepEqual([available(8), available(7)], ['True', 'False'])
  })
  it('a rollout that stands still for too long has failed; one that moves has not', () => {
    const current = replicaSet('b', { replicas: 10, available: 5 })
    const message = 'ReplicaSet "b" is progressing.'
    const stuck = (lastUpdateTime: string, availableReplicas: number): Deployment =>
      deployment(
        {},
        {
          status: {
            replicas: 10,
            updatedReplicas: 10,
            readyReplicas: availableReplicas,
            availableReplicas,
            conditions: [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message, lastUpdateTime }],
          },
        },
      )
    assert.equal(progressing(stuck('2026-01-01T00:09:00Z', 5), current), 'True ReplicaSetUpdated')
    assert.equal(progressing(stuck('2025-12-31T23:59:00Z', 5), current), 'False ProgressDeadlineExceeded')
    assert.equal(progressing(stuck('2025-12-31T23:59:00Z', 4), current), 'True ReplicaSetUpdated')
  })
  it('paused', () => {
    assert.equal(
      progressing(deployment({ paused: true }), replicaSet('b', { replicas: 1 })),
      'Unknown DeploymentPaused',
    )
  })
  it('times stay while nothing changes', () => {
    const current = replicaSet('b', { replicas: 10 })
    const status = deploymentStatus(deployment(), { current, others: [], now })
    const later = deploymentStatus({ ...deployment(), status }, { current, others: [], now: now + 60_000 })
    assert.deepEqual(later, status)
    assert.equal(conditionOf({ ...deployment(), status }, 'Available')?.lastUpdateTime, '2026-01-01T00:10:00Z')
  })
})

describe('a whole rolling update', () => {
  it('ends with the current template alone, and never leaves its limits', () => {
    const share = fc.oneof(
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), share, share, (replicas, surge, unavailable) => {
        const d = deployment({ replicas, ...strategy(surge, unavailable) })
        const limits = limitsOf(d)
        let current = replicaSet('b', { replicas: 0 })
        let old = replicaSet('a', { replicas })
        for (let step = 0; step < 100 && (sizeOf(current) < replicas || sizeOf(old) > 0); step += 1) {
          const size = currentSize(d, current, [old])
          // The pods of the last step have become available by now.
          if (size !== sizeOf(current)) current = replicaSet('b', { replicas: size, available: sizeOf(current) })
          else {
            for (const { replicas: smaller } of shrinkOthers(d, current, [old]))
              old = replicaSet('a', { replicas: smaller })
          }
          assert.ok(total([current, old]) <= replicas + limits.surge)
          const available = total([current, old], ({ status }) => status?.availableReplicas ?? 0)
          assert.ok(available >= replicas - limits.unavailable, `${available} available of ${replicas}`)
          current = replicaSet('b', { replicas: sizeOf(current) })
        }
        assert.deepEqual([sizeOf(current), sizeOf(old)], [replicas, 0])
      }),
      { numRuns: 200 },
    )
  })
})
