import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { FieldError } from './field-error.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts'

const META = { name: 'web', namespace: 'default', uid: 'u1' }
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const QUALIFIED_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }

const rows: readonly (readonly [string, object, readonly string[]])[] = [
  ['metadata: valid', {}, []],
  ['metadata.name: required', { name: '' }, ['metadata.name: Required value: name or generateName is required']],
  ['metadata.name: label form', { name: 'Web' }, [`metadata.name: Invalid value: "Web": ${LABEL_TEXT}`]],
  ['metadata.name: a digit may lead (KEP-5311)', { name: '1abc' }, []],
  ['metadata.name: dots', { name: 'a.b' }, [`metadata.name: Invalid value: "a.b": ${LABEL_TEXT}`]],
  [
    'metadata.name: length',
    { name: 'a'.repeat(64) },
    [`metadata.name: Invalid value: "${'a'.repeat(64)}": must be no more than 63 characters`],
  ],
  ['metadata.generateName: trailing dash', { generateName: 'web-' }, []],
  ['metadata.generateName: form', { generateName: '-' }, [`metadata.generateName: Invalid value: "-": ${LABEL_TEXT}`]],
  ['metadata.namespace: required', { namespace: '' }, ['metadata.namespace: Required value']],
  [
    'metadata.labels: key',
    { labels: { 'a b': 'c' } },
    [`metadata.labels: Invalid value: "a b": name part ${QUALIFIED_TEXT}`],
  ],
  [
    'metadata.labels: empty key',
    { labels: { '': 'c' } },
    [
      'metadata.labels: Invalid value: "": name part must be non-empty',
      `metadata.labels: Invalid value: "": name part ${QUALIFIED_TEXT}`,
    ],
  ],
  [
    'metadata.labels: empty prefix',
    { labels: { '/x': '' } },
    ['metadata.labels: Invalid value: "/x": prefix part must be non-empty'],
  ],
  [
    'metadata.labels: two slashes',
    { labels: { 'a/b/c': '' } },
    [
      `metadata.labels: Invalid value: "a/b/c": a qualified name ${QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ],
  ],
  [
    'metadata.labels: value length',
    { labels: { a: 'b'.repeat(64) } },
    [`metadata.labels: Invalid value: "${'b'.repeat(64)}": must be no more than 63 characters`],
  ],
  ['metadata.annotations: upper case is fine', { annotations: { 'Example.com/Key': 'any text at all' } }, []],
  [
    'metadata.annotations: size',
    { annotations: { a: 'x'.repeat(262_144) } },
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
  [
    'metadata.finalizers: qualified',
    { finalizers: ['mine'] },
    [
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  ['metadata.finalizers: standard', { finalizers: ['kubernetes', 'foregroundDeletion', 'a.b/c'] }, []],
  [
    'metadata.finalizers: orphan and foreground',
    { finalizers: ['orphan', 'foregroundDeletion'] },
    [
      'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
    ],
  ],
  [
    'metadata.ownerReferences: uid',
    { ownerReferences: [{ ...owner, uid: '' }] },
    ['metadata.ownerReferences.uid: Invalid value: "": uid must not be empty'],
  ],
  [
    'metadata.ownerReferences: two controllers',
    {
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, name: 'q', controller: true },
      ],
    },
    [
      `metadata.ownerReferences: Invalid value: ${JSON.stringify([
        { ...owner, controller: true },
        { ...owner, name: 'q', controller: true },
      ])}: Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q`,
    ],
  ],
  ['metadata.labels: wrong type', { labels: { a: 1 } }, ['metadata.labels[a]: Invalid value: 1: must be a string']],
]

describe('validateObjectMeta', () => {
  for (const [name, change, expected] of rows) {
    it(name, () => {
      const errors = validateObjectMeta({ ...META, ...change }, { namespaced: true, nameRule: 'label' })
      assert.deepEqual(texts(errors), expected)
    })
  }

  it('metadata.name: subdomains may be long and have dots', () => {
    assert.deepEqual(validateObjectMeta({ ...META, name: 'a.b.c' }, { namespaced: true, nameRule: 'subdomain' }), [])
  })

  it('metadata.namespace: not for cluster-scoped kinds', () => {
    const errors = validateObjectMeta(META, { namespaced: false, nameRule: 'subdomain' })
    assert.deepEqual(texts(errors), ['metadata.namespace: Forbidden: not allowed on this type'])
  })
})

describe('validateObjectMetaUpdate', () => {
  for (const key of ['name', 'namespace', 'uid', 'deletionTimestamp', 'deletionGracePeriodSeconds']) {
    it(`metadata.${key}: immutable`, () => {
      const errors = validateObjectMetaUpdate({ ...META, [key]: 'other' }, META)
      assert.deepEqual(texts(errors), [`metadata.${key}: Invalid value: "other": field is immutable`])
    })
  }

  it('metadata.finalizers: none may be added while deleting', () => {
    const old = { ...META, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a.b/c'] }
    const errors = validateObjectMetaUpdate({ ...old, finalizers: ['a.b/c', 'x.y/q'] }, old)
    assert.deepEqual(texts(errors), [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.y/q"}',
    ])
  })

  it('metadata.generation: may not go back', () => {
    const errors = validateObjectMetaUpdate({ ...META, generation: 1 }, { ...META, generation: 2 })
    assert.deepEqual(texts(errors), ['metadata.generation: Invalid value: 1: must not be decremented'])
  })
})
