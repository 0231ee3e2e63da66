import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Deployment, ReplicaSet } from '../apps.ts'
import { defaultDeployment, defaultReplicaSet } from '../defaults/default-apps.ts'
import { selectorMatches, selectorText } from '../label-selector.ts'
import type { FieldError } from './field-error.ts'
import { validateLabelSelector } from './label-selector.ts'
import {
  validateDeployment,
  validateDeploymentUpdate,
  validateReplicaSet,
  validateReplicaSetUpdate,
} from './workloads.ts'

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const template = (change: object = {}): object => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image: 'echo:1' }], ...change },
})
function deployment(spec: object = {}): Deployment {
  const full = { selector: { matchLabels: { app: 'a' } }, template: template(), ...spec }
  return defaultDeployment({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: full,
  } as Deployment)
}
function replicaSet(spec: object = {}): ReplicaSet {
  const full = { selector: { matchLabels: { app: 'a' } }, template: template(), ...spec }
  return defaultReplicaSet({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'r' },
    spec: full,
  } as ReplicaSet)
}

describe('validateDeployment (apps/validation)', () => {
  const rolling = (rollingUpdate: object): object => ({ strategy: { type: 'RollingUpdate', rollingUpdate } })
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', {}, []],
    ['replicas', { replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['selector required', { selector: undefined }, ['spec.selector: Required value']],
    [
      'selector not empty',
      { selector: {} },
      ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    ],
    [
      'selector matches the template',
      { selector: { matchLabels: { app: 'b' } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    [
      'template: as a pod, under its own path',
      { template: template({ containers: [] }) },
      ['spec.template.spec.containers: Required value'],
    ],
    [
      'template: always restarted',
      { template: template({ restartPolicy: 'Never' }) },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'strategy.type',
      { strategy: { type: 'BlueGreen' } },
      ['spec.strategy.type: Unsupported value: "BlueGreen": supported values: "Recreate", "RollingUpdate"'],
    ],
    [
      'Recreate has no rollingUpdate',
      { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'some movement must be possible',
      rolling({ maxSurge: 0, maxUnavailable: '0%' }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      'maxUnavailable at most 100%',
      rolling({ maxUnavailable: '101%' }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      'progressDeadlineSeconds above minReadySeconds',
      { progressDeadlineSeconds: 5, minReadySeconds: 5 },
      ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
    ],
  ]
  for (const [name, spec, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateDeployment(deployment(spec))), expected))
  }

  it('a share is a number or a percentage', () => {
    const errors = texts(validateDeployment(deployment(rolling({ maxSurge: 'many' }))))
    assert.match(errors.join(), /^spec.strategy.rollingUpdate.maxSurge: Invalid value: "many": a valid percent string/)
  })

  it('the selector is immutable', () => {
    const other = deployment({ selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } })
    assert.match(texts(validateDeploymentUpdate(other, deployment())).join(), /^spec.selector: .*field is immutable$/)
    assert.deepEqual(validateDeploymentUpdate(deployment({ replicas: 4 }), deployment()), [])
    const set = replicaSet({ selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } })
    assert.match(texts(validateReplicaSetUpdate(set, replicaSet())).join(), /field is immutable/)
  })
})

describe('defaults of apps/v1', () => {
  it('Deployment', () => {
    const { spec } = deployment()
    assert.deepEqual(
      [spec.replicas, spec.revisionHistoryLimit, spec.progressDeadlineSeconds, spec.strategy],
      [1, 10, 600, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }],
    )
    assert.deepEqual(deployment({ strategy: { type: 'Recreate' } }).spec.strategy, { type: 'Recreate' })
    assert.equal(spec.template.spec.restartPolicy, 'Always')
    assert.ok(!('enableServiceLinks' in spec.template.spec), 'that default belongs to pods alone')
  })
  it('are idempotent', () => {
    assert.deepEqual(defaultDeployment(deployment()), deployment())
    assert.deepEqual(defaultReplicaSet(replicaSet()), replicaSet())
    assert.deepEqual(validateReplicaSet(replicaSet()), [])
  })
})

describe('label selectors in objects', () => {
  const expression = (operator: string, ...values: string[]): object => ({
    matchExpressions: [{ key: 'k', operator, ...(values.length > 0 && { values }) }],
  })
  it('validateLabelSelector', () => {
    const of = (selector: object): readonly string[] => texts(validateLabelSelector('s', selector))
    assert.deepEqual(of(expression('In', 'a')), [])
    assert.deepEqual(of(expression('In')), [
      "s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ])
    assert.deepEqual(of(expression('Exists', 'a')), [
      "s.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ])
    assert.deepEqual(of(expression('Like')), [
      's.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
    ])
  })
  it('selectorMatches', () => {
    const rows: readonly (readonly [object, Record<string, string>, boolean])[] = [
      [{}, {}, true],
      [{ matchLabels: { k: 'a' } }, { k: 'a', x: 'y' }, true],
      [{ matchLabels: { k: 'a' } }, { k: 'b' }, false],
      [expression('In', 'a', 'b'), { k: 'b' }, true],
      [expression('In', 'a'), {}, false],
      [expression('NotIn', 'a'), {}, true],
      [expression('NotIn', 'a'), { k: 'a' }, false],
      [expression('Exists'), { k: '' }, true],
      [expression('Exists'), {}, false],
      [expression('DoesNotExist'), {}, true],
      [expression('DoesNotExist'), { k: 'a' }, false],
    ]
    for (const [selector, labels, expected] of rows) {
      assert.equal(selectorMatches(selector, labels), expected, JSON.stringify([selector, labels]))
    }
  })
  it('selectorText', () => {
    const matchExpressions = [
      { key: 'x', operator: 'In', values: ['2', '1'] },
      { key: 'y', operator: 'NotIn', values: ['3'] },
      { key: 'z', operator: 'Exists' },
      { key: 'w', operator: 'DoesNotExist' },
    ]
    assert.equal(
      selectorText({ matchLabels: { b: '1', a: '2' }, matchExpressions }),
      'a=2,b=1,x in (1,2),y notin (3),z,!w',
    )
  })
})
