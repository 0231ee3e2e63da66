import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { defaultRoleBinding } from '../defaults/default-rbac.ts'
import type { RoleBinding } from '../rbac.ts'
import { validateEventV1, validateEventV1Update } from './event-v1.ts'
import type { FieldError } from './field-error.ts'
import { validateObjectMeta } from './object-meta.ts'
import { validateRole, validateRoleBinding, validateRoleBindingUpdate } from './rbac.ts'

const NAMESPACED = { namespaced: true }
const CLUSTER = { namespaced: false }

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

describe('validateRole (rbac/validation)', () => {
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
  const rows: readonly (readonly [string, object, object, readonly string[]])[] = [
    ['valid', rule, NAMESPACED, []],
    [
      'verbs',
      { ...rule, verbs: [] },
      NAMESPACED,
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'apiGroups and resources',
      { verbs: ['get'] },
      NAMESPACED,
      [
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    ['URLs in a ClusterRole', { verbs: ['get'], nonResourceURLs: ['/x'] }, CLUSTER, []],
    [
      'no URLs in a Role',
      { verbs: ['get'], nonResourceURLs: ['/x'] },
      NAMESPACED,
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      'not both',
      { ...rule, nonResourceURLs: ['/x'] },
      CLUSTER,
      [
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ]
  for (const [name, value, scope, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateRole({ rules: [value] }, scope as typeof CLUSTER)), expected))
  }
  it('names may hold what a path segment may', () => {
    const rules = { namespaced: false, nameRule: 'path' } as const
    assert.deepEqual(validateObjectMeta({ name: 'system:node' }, rules), [])
    assert.deepEqual(texts(validateObjectMeta({ name: 'a/b%' }, rules)), [
      'metadata.name: Invalid value: "a/b%": may not contain \'/\'',
      'metadata.name: Invalid value: "a/b%": may not contain \'%\'',
    ])
  })
})

describe('validateRoleBinding (rbac/validation)', () => {
  const ref = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }
  const subject = (change: object): object => ({ roleRef: ref, subjects: [change] })
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', subject({ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }), []],
    [
      'roleRef.kind',
      { roleRef: { ...ref, kind: 'X' } },
      ['roleRef.kind: Unsupported value: "X": supported values: "ClusterRole", "Role"'],
    ],
    ['roleRef.name', { roleRef: { ...ref, name: '' } }, ['roleRef.name: Required value']],
    [
      'subject.kind',
      subject({ kind: 'Robot', name: 'r' }),
      ['subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"'],
    ],
    ['subject.name', subject({ kind: 'ServiceAccount', name: '' }), ['subjects[0].name: Required value']],
  ]
  for (const [name, value, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateRoleBinding(value, NAMESPACED)), expected))
  }
  it('a ClusterRoleBinding names ClusterRoles, and namespaces of accounts', () => {
    const binding = { roleRef: ref, subjects: [{ kind: 'ServiceAccount', name: 'a' }] }
    assert.deepEqual(texts(validateRoleBinding(binding, CLUSTER)), [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
    ])
  })
  it('roleRef is immutable', () => {
    const before = { roleRef: ref }
    const now = { roleRef: { ...ref, name: 'other' } }
    assert.match(texts(validateRoleBindingUpdate(now, before, NAMESPACED)).join(), /cannot change roleRef/)
    assert.deepEqual(validateRoleBindingUpdate(before, before, NAMESPACED), [])
  })
  it('groups are filled in', () => {
    const made = defaultRoleBinding({
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 'a' },
      ],
    } as unknown as RoleBinding)
    assert.equal(made.roleRef.apiGroup, 'rbac.authorization.k8s.io')
    assert.deepEqual(
      made.subjects?.map(({ apiGroup }) => apiGroup),
      ['rbac.authorization.k8s.io', undefined],
    )
  })
})

describe('validateEventV1 (core/validation events.go)', () => {
  const event = {
    metadata: { namespace: 'default' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'a.io/b',
    reportingInstance: 'i',
    action: 'Act',
    reason: 'Because',
    type: 'Normal',
    regarding: { namespace: 'default' },
  }
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', {}, []],
    ['eventTime', { eventTime: undefined }, ['eventTime: Required value']],
    ['reportingController', { reportingController: '' }, ['reportingController: Required value']],
    ['reportingInstance', { reportingInstance: '' }, ['reportingInstance: Required value']],
    [
      'action',
      { action: 'x'.repeat(129) },
      [`action: Invalid value: "${'x'.repeat(129)}": can have at most 128 characters`],
    ],
    ['type', { type: 'Bad' }, ['type: Invalid value: "Bad": has invalid value']],
    [
      'series',
      { series: { count: 1 } },
      ['series.count: Invalid value: 1: should be at least 2', 'series.lastObservedTime: Required value'],
    ],
    [
      'namespace',
      { regarding: { namespace: 'x' } },
      ['regarding.namespace: Invalid value: "x": does not match event.namespace'],
    ],
    ['fields of the past', { deprecatedCount: 2 }, ['deprecatedCount: Invalid value: 2: needs to be unset']],
  ]
  for (const [name, change, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateEventV1({ ...event, ...change })), expected))
  }
  it('only the series may change', () => {
    const series = { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' }
    assert.deepEqual(validateEventV1Update({ ...event, series }, event), [])
    assert.deepEqual(texts(validateEventV1Update({ ...event, note: 'n' }, event)), [
      'note: Invalid value: "n": field is immutable',
    ])
  })
})
