import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import fc from 'fast-check'
import type { CustomResourceDefinition, FieldError, JsonSchema, KubeObject } from '#api'
import { CUSTOMRESOURCEDEFINITIONS, NAMESPACES, validateCustomResourceDefinition } from '#api'
import { silentLogger } from '#lib'
import { decodeBody } from '../codec/index.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import { createNow, deleteNow, getObject, patchObject } from '../registry/index.ts'
import { aggregatedDiscovery, openapiV3Document } from '../schema/index.ts'
import { Refused } from '../status/index.ts'
import type { RealRegistry } from '../testing/index.ts'
import { realRegistry } from '../testing/index.ts'
import { compareVersions } from './custom-kinds.ts'
import { jsonPath } from './json-path.ts'
import { prune, withDefaults } from './prune-and-default.ts'
import { serveCustomKinds } from './serve-custom-kinds.ts'
import { validateValue } from './validate-value.ts'

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

describe('prune and withDefaults (KEP-1693)', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      a: { type: 'integer', default: 1 },
      nested: { type: 'object', properties: { b: { type: 'string', default: 'x' } } },
      made: { type: 'object', default: {}, properties: { c: { type: 'boolean', default: false } } },
      list: { type: 'array', items: { type: 'object', properties: { d: { type: 'integer', default: 0 } } } },
      map: { type: 'object', additionalProperties: { type: 'object', properties: { e: { type: 'string' } } } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { f: { type: 'object' } } },
      none: { type: 'string', nullable: true },
      object: { type: 'object', 'x-kubernetes-embedded-resource': true },
    },
  }
  it('what the schema does not know goes, at every depth, and is named', () => {
    const unknown: string[] = []
    const value = {
      x: 1,
      nested: { y: 1 },
      list: [{ z: 1 }],
      map: { k: { w: 1, e: 'kept' } },
      free: { any: { thing: 1 }, f: { gone: 1 } },
      none: null,
      a: null,
      object: { kind: 'K', spec: {} },
    }
    assert.deepEqual(prune(schema, value, unknown), {
      nested: {},
      list: [{}],
      map: { k: { e: 'kept' } },
      free: { any: { thing: 1 }, f: {} },
      none: null,
      object: { kind: 'K' },
    })
    assert.deepEqual(unknown, ['x', 'nested.y', 'list[0].z', 'map.k.w', 'free.f.gone', 'object.spec'])
  })
  it('defaults fill what is absent, inside defaults too', () => {
    const filled = withDefaults(schema, { list: [{}], nested: {} })
    assert.deepEqual(filled, { list: [{ d: 0 }], nested: { b: 'x' }, a: 1, made: { c: false } })
    assert.deepEqual(withDefaults(schema, filled), filled)
  })
  it('any JSON: no exceptions, idempotent', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const once = prune(schema, value, [])
        assert.deepEqual(prune(schema, once, []), once)
        const filled = withDefaults(schema, once)
        assert.deepEqual(withDefaults(schema, filled), filled)
        validateValue(schema, filled)
      }),
      { numRuns: 200 },
    )
  })
})

describe('validateValue', () => {
  const rows: readonly (readonly [string, JsonSchema, unknown, readonly string[]])[] = [
    ['type', { type: 'integer' }, 'a', ['f: Invalid value: "string": f in body must be of type integer: "string"']],
    ['an integer is a number', { type: 'number' }, 1, []],
    ['nullable', { type: 'string', nullable: true }, null, []],
    ['not nullable', { type: 'string' }, null, ['f: Invalid value: "null": f in body must be of type string: "null"']],
    ['enum', { type: 'string', enum: ['a', 'b'] }, 'c', ['f: Unsupported value: "c": supported values: "a", "b"']],
    [
      'minimum',
      { type: 'integer', minimum: 0 },
      -1,
      ['f: Invalid value: -1: f in body should be greater than or equal to 0'],
    ],
    [
      'exclusiveMinimum',
      { type: 'integer', minimum: 0, exclusiveMinimum: true },
      0,
      ['f: Invalid value: 0: f in body should be greater than 0'],
    ],
    [
      'maximum',
      { type: 'integer', maximum: 3 },
      4,
      ['f: Invalid value: 4: f in body should be less than or equal to 3'],
    ],
    ['multipleOf', { type: 'integer', multipleOf: 2 }, 3, ['f: Invalid value: 3: f in body should be a multiple of 2']],
    [
      'minLength counts characters',
      { type: 'string', minLength: 2 },
      '😀',
      ['f: Invalid value: "😀": f in body should be at least 2 chars long'],
    ],
    ['maxLength', { type: 'string', maxLength: 1 }, 'ab', ['f: Too long: may not be more than 1 bytes']],
    ['pattern', { type: 'string', pattern: '^a$' }, 'b', ['f: Invalid value: "b": f in body should match \'^a$\'']],
    [
      'format',
      { type: 'string', format: 'ipv4' },
      '::1',
      ['f: Invalid value: "::1": f in body must be of type ipv4: "::1"'],
    ],
    ['unknown format', { type: 'string', format: 'color' }, 'x', []],
    [
      'minItems',
      { type: 'array', minItems: 1, items: {} },
      [],
      ['f: Invalid value: 0: f in body should have at least 1 items'],
    ],
    ['maxItems', { type: 'array', maxItems: 1, items: {} }, [1, 2], ['f: Too many: 2: must have at most 1 items']],
    ['set', { type: 'array', 'x-kubernetes-list-type': 'set', items: {} }, ['a', 'a'], ['f[1]: Duplicate value: "a"']],
    ['required', { type: 'object', required: ['a'] }, {}, ['f.a: Required value']],
    ['maxProperties', { type: 'object', maxProperties: 0 }, { a: 1 }, ['f: Too many: 1: must have at most 0 items']],
    [
      'additionalProperties',
      { type: 'object', additionalProperties: { type: 'string' } },
      { a: 1 },
      ['f.a: Invalid value: "integer": f.a in body must be of type string: "integer"'],
    ],
    [
      'oneOf',
      { oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: 1, b: 1 },
      ['f: Invalid value: {"a":1,"b":1}: f in body must validate one and only one schema (oneOf)'],
    ],
    [
      'anyOf',
      { anyOf: [{ required: ['a'] }] },
      {},
      ['f: Invalid value: {}: f in body must validate at least one schema (anyOf)'],
    ],
    [
      'not',
      { not: { required: ['a'] } },
      { a: 1 },
      ['f: Invalid value: {"a":1}: f in body must not validate the schema (not)'],
    ],
    [
      'int or string',
      { 'x-kubernetes-int-or-string': true },
      1.5,
      ['f: Invalid value: "number": f in body must be of type integer,string: "number"'],
    ],
  ]
  for (const [name, schema, value, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateValue(schema, value, 'f')), expected))
  }
  it('map lists: by key, absent keys by their default', () => {
    const items: JsonSchema = { type: 'object', properties: { p: { type: 'integer', default: 80 } } }
    const schema: JsonSchema = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['p'],
      items,
    }
    assert.equal(validateValue(schema, [{}, { p: 80 }]).length, 1)
    assert.deepEqual(validateValue(schema, [{}, { p: 81 }]), [])
  })
})

describe('jsonPath', () => {
  const object = {
    a: { b: 'x', 'c.d': 1 },
    list: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  }
  const rows: readonly (readonly [string, readonly unknown[]])[] = [
    ['.a.b', ['x']],
    ['a.b', ['x']],
    ['.a.c\\.d', [1]],
    [".a['c.d']", [1]],
    ['.list[1].status', ['False']],
    ['.list[*].status', ['True', 'False']],
    ['.list[?(@.type=="Ready")].status', ['True']],
    [".list[?(@.type=='Nope')].status", []],
    ['.a.b.c', []],
    ['.list[', []],
  ]
  for (const [path, expected] of rows) it(path, () => assert.deepEqual(jsonPath(path, object), expected))
})

describe('compareVersions', () => {
  it('by stability, then by number', () => {
    const versions = ['v1alpha1', 'other', 'v1', 'v2beta1', 'v10', 'v1beta2', 'v2']
    assert.deepEqual(versions.toSorted(compareVersions), ['v10', 'v2', 'v1', 'v2beta1', 'v1beta2', 'v1alpha1', 'other'])
  })
})

const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { size: { type: 'integer', default: 3 } } },
    status: { type: 'object' },
  },
}
function definition(change: object = {}): CustomResourceDefinition {
  const version = { served: true, schema: { openAPIV3Schema: SCHEMA }, subresources: { status: {} } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.shop.example.com' },
    spec: {
      group: 'shop.example.com',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      versions: [
        { ...version, name: 'v1beta1', storage: false },
        { ...version, name: 'v1', storage: true },
      ],
      ...change,
    },
  }
}

describe('validateCustomResourceDefinition', () => {
  const versions = (...list: object[]): object => ({ versions: list })
  const one = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SCHEMA } }
  const schema = (openAPIV3Schema: object): object => versions({ ...one, schema: { openAPIV3Schema } })
  const at = 'spec.versions[0].schema.openAPIV3Schema'
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', {}, []],
    [
      'group: a domain',
      { group: 'shop' },
      [
        'spec.group: Invalid value: "shop": should be a domain with at least one dot',
        'metadata.name: Invalid value: "widgets.shop.example.com": must be spec.names.plural+"."+spec.group',
      ],
    ],
    [
      'scope',
      { scope: 'Global' },
      ['spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'],
    ],
    ['a schema', versions({ ...one, schema: undefined }), [`${at}: Required value: schemas are required`]],
    [
      'one storage version',
      versions(one, { ...one, name: 'v2' }),
      ['spec.versions: Invalid value: ["v1","v2"]: must have exactly one version marked as storage version'],
    ],
    [
      'an object at the root',
      schema({ type: 'string' }),
      [`${at}.type: Invalid value: "string": must be object at the root`],
    ],
    [
      'structural: types',
      schema({ type: 'object', properties: { a: {} } }),
      [`${at}.properties[a].type: Required value: must not be empty for specified object fields`],
    ],
    [
      'structural: items',
      schema({ type: 'object', properties: { a: { type: 'array' } } }),
      [`${at}.properties[a].items: Required value: must be specified`],
    ],
    [
      'no webhooks',
      { conversion: { strategy: 'Webhook' } },
      ['spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"'],
    ],
  ]
  for (const [name, change, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateCustomResourceDefinition(definition(change))), expected))
  }
  it('patterns compile', () => {
    const change = schema({ type: 'object', properties: { a: { type: 'string', pattern: '(' } } })
    assert.match(
      texts(validateCustomResourceDefinition(definition(change))).join(),
      /must be a valid regular expression/,
    )
  })
  it('protected groups need approval', () => {
    const change = { group: 'gateway.networking.k8s.io' }
    const protectedOne = { ...definition(change), metadata: { name: 'widgets.gateway.networking.k8s.io' } }
    assert.match(
      texts(validateCustomResourceDefinition(protectedOne)).join(),
      /protected groups must have approval annotation/,
    )
    const annotations = { 'api-approved.kubernetes.io': 'https://example.com' }
    const approved = { ...protectedOne, metadata: { ...protectedOne.metadata, annotations } }
    assert.deepEqual(validateCustomResourceDefinition(approved), [])
  })
})

describe('serveCustomKinds', () => {
  const options = { user: { name: 't', groups: [] }, dryRun: false, warn: () => undefined }
  async function settled(): Promise<void> {
    for (let i = 0; i < 20; i += 1) await turn()
  }
  async function withKinds(
    body: (cluster: RealRegistry, kind: (version: string) => KindDefinition) => Promise<void>,
  ): Promise<void> {
    const cluster = await realRegistry()
    const stop = serveCustomKinds(cluster.registry, silentLogger)
    try {
      await cluster.create(CUSTOMRESOURCEDEFINITIONS, definition())
      const kind = (version: string): KindDefinition => {
        const found = cluster.registry.kinds.find(({ info }) => info.kind === 'Widget' && info.version === version)
        assert.ok(found !== undefined, version)
        return found
      }
      await body(cluster, kind)
    } finally {
      stop()
    }
  }
  const create = async (cluster: RealRegistry, kind: KindDefinition, name: string): Promise<KubeObject> => {
    const object = { metadata: { name }, spec: {} } as unknown as KubeObject
    const { answer, committed } = createNow(cluster.registry, { kind, namespace: 'default', object, options })
    await committed
    return answer.object
  }

  it('from the commit on, in discovery and OpenAPI', () =>
    withKinds(async ({ registry }, kind) => {
      const { apis } = aggregatedDiscovery(registry.kinds)
      const group = apis.items.find(({ metadata }) => metadata.name === 'shop.example.com')
      assert.deepEqual(
        group?.versions.map(({ version }) => version),
        ['v1', 'v1beta1'],
      )
      const document = openapiV3Document(registry.kinds, 'shop.example.com/v1')
      assert.ok(Object.hasOwn(document?.components.schemas ?? {}, kind('v1').schema))
    }))

  it('one object in every version', () =>
    withKinds(async (cluster, kind) => {
      const made = await create(cluster, kind('v1beta1'), 'w')
      assert.deepEqual(
        [made.apiVersion, (made as unknown as { spec: object }).spec],
        ['shop.example.com/v1beta1', { size: 3 }],
      )
      const target = { namespace: 'default', name: 'w' }
      const { object } = await getObject(cluster.registry, { ...target, kind: kind('v1') }, '')
      assert.equal(object.apiVersion, 'shop.example.com/v1')
      assert.deepEqual(object.metadata, made.metadata)
    }))

  it('bodies are pruned, unknown fields named; strategic merge is refused', () =>
    withKinds(async (cluster, kind) => {
      const body = Buffer.from(JSON.stringify({ metadata: { name: 'w', bad: 1 }, spec: { odd: 1 } }))
      const input = { body, contentType: 'application/json', kind: kind('v1'), fieldValidation: 'Warn' } as const
      const decoded = decodeBody(input)
      assert.ok('object' in decoded)
      assert.deepEqual(decoded.warnings, ['unknown field "metadata.bad"', 'unknown field "spec.odd"'])
      await create(cluster, kind('v1'), 'w')
      const request = {
        kind: kind('v1'),
        namespace: 'default',
        name: 'w',
        options,
        patch: {},
        fieldValidation: 'Warn',
      } as const
      const refused = patchObject(cluster.registry, { ...request, patchKind: 'strategic' })
      await assert.rejects(refused, (error) => error instanceof Refused && error.status.code === 415)
    }))

  it('a definition takes its objects along, and waits for those that are held', () =>
    withKinds(async (cluster, kind) => {
      await create(cluster, kind('v1'), 'w')
      await cluster.remove(CUSTOMRESOURCEDEFINITIONS, { name: 'widgets.shop.example.com' })
      await settled()
      assert.equal(cluster.get(CUSTOMRESOURCEDEFINITIONS, { name: 'widgets.shop.example.com' }), undefined)
      assert.ok(!cluster.registry.kinds.some(({ info }) => info.kind === 'Widget'))
    }))

  it('a namespace that goes takes its custom objects along', () =>
    withKinds(async (cluster, kind) => {
      await cluster.create(NAMESPACES, { metadata: { name: 'team' } })
      const object = { metadata: { name: 'w' }, spec: {} } as unknown as KubeObject
      await createNow(cluster.registry, { kind: kind('v1'), namespace: 'team', object, options }).committed
      const namespaces = cluster.registry.kinds.find(({ info }) => info === NAMESPACES)
      assert.ok(namespaces !== undefined)
      deleteNow(cluster.registry, { kind: namespaces, namespace: undefined, name: 'team', deletion: {}, options })
      await settled()
      assert.deepEqual(cluster.names(kind('v1').info), [])
    }))
})
