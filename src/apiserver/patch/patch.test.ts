/** The three patch types (api-server.md 10). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import fc from 'fast-check'

import { patchStrategy } from '../schema/index.ts'
import type { JsonObject, MergeLookup } from './index.ts'
import { applyJsonPatch, applyMergePatch, applyStrategicPatch } from './index.ts'

const service: MergeLookup = (path) => patchStrategy('io.k8s.api.core.v1.Service', path)
const pod: MergeLookup = (path) => patchStrategy('io.k8s.api.core.v1.Pod', path)

function strategic(target: JsonObject, patch: unknown, lookup: MergeLookup = service): JsonObject {
  const outcome = applyStrategicPatch(target, patch, lookup)
  if ('refusal' in outcome) throw new Error(outcome.refusal.message)
  return outcome.value
}

describe('JSON merge patch', () => {
  it('follows the examples of RFC 7396 appendix A', () => {
    const cases: [unknown, unknown, unknown][] = [
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
      [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
      [{ a: 'b' }, { a: null }, {}],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
      [
        ['a', 'b'],
        ['c', 'd'],
        ['c', 'd'],
      ],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ]
    for (const [target, patch, expected] of cases)
      assert.deepEqual(applyMergePatch(target as never, patch as never), expected)
  })

  it('never touches a prototype', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true}}') as never
    const result = applyMergePatch({}, patch) as object
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
    assert.equal((result as { polluted?: boolean }).polluted, undefined)
  })
})

describe('JSON patch', () => {
  it('applies operations in order and leaves the target alone', () => {
    const target = Object.freeze({ a: [1, 2], b: { c: 'x' } })
    const patch = [
      { op: 'test', path: '/b/c', value: 'x' },
      { op: 'add', path: '/a/-', value: 3 },
      { op: 'move', from: '/b/c', path: '/d' },
      { op: 'remove', path: '/a/0' },
    ]
    assert.deepEqual(applyJsonPatch(target as never, patch), { value: { a: [2, 3], b: {}, d: 'x' } })
    assert.deepEqual(target, { a: [1, 2], b: { c: 'x' } })
  })

  it('refuses failed tests, missing paths, too many operations and growth by copy', () => {
    const code = (patch: unknown): number | undefined => {
      const outcome = applyJsonPatch({ a: 'x'.repeat(1000), l: [] }, patch)
      return 'refusal' in outcome ? outcome.refusal.code : undefined
    }
    assert.equal(code([{ op: 'test', path: '/a', value: 'y' }]), 422)
    assert.equal(code([{ op: 'remove', path: '/none' }]), 422)
    assert.equal(code([{ op: 'explode', path: '/a' }]), 422)
    assert.equal(code([{ op: 'add', path: '/constructor/prototype/x', value: 1 }]), 422)
    assert.equal(code({}), 400)
    assert.equal(code(Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 }))), 413)
    const doubling = Array.from({ length: 30 }, (_, i) => ({ op: 'copy', from: '', path: `/c${i}` }))
    assert.ok((code(doubling) ?? 0) >= 400)
  })
})

describe('strategic merge patch', () => {
  const target = {
    metadata: { name: 'web', labels: { a: '1' }, finalizers: ['x/y'] },
    spec: {
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80 },
        { name: 'https', port: 443 },
      ],
      externalIPs: ['1.1.1.1'],
    },
  }
  const ports = (patch: unknown): unknown => (strategic(target, { spec: patch })['spec'] as JsonObject)['ports']

  it('merges Service ports by port, adds new ones, and deletes with $patch', () => {
    assert.deepEqual(ports({ ports: [{ port: 80, targetPort: 8080 }] }), [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'https', port: 443 },
    ])
    // What kubectl apply sends when a port number changes.
    const changed = { $setElementOrder: undefined, '$setElementOrder/ports': [{ port: 443 }, { port: 81 }] }
    const { $setElementOrder: _none, ...order } = changed
    assert.deepEqual(
      ports({
        ...order,
        ports: [
          { name: 'http', port: 81 },
          { $patch: 'delete', port: 80 },
        ],
      }),
      [
        { name: 'https', port: 443 },
        { name: 'http', port: 81 },
      ],
    )
  })

  it('reorders by $setElementOrder alone, and keeps unknown items after their neighbour', () => {
    assert.deepEqual(ports({ '$setElementOrder/ports': [{ port: 443 }, { port: 80 }] }), [
      { name: 'https', port: 443 },
      { name: 'http', port: 80 },
    ])
  })

  it('replaces lists without a merge key, merges maps, deletes with null', () => {
    const result = strategic(target, {
      metadata: { labels: { a: null, b: '2' } },
      spec: { externalIPs: ['2.2.2.2'], selector: { tier: 'x' } },
    })
    assert.deepEqual((result['metadata'] as JsonObject)['labels'], { b: '2' })
    const spec = result['spec'] as JsonObject
    assert.deepEqual(spec['externalIPs'], ['2.2.2.2'])
    assert.deepEqual(spec['selector'], { app: 'web', tier: 'x' })
  })

  it('honours $patch replace in maps and lists', () => {
    const map = strategic(target, { spec: { selector: { $patch: 'replace', only: 'this' } } })
    assert.deepEqual((map['spec'] as JsonObject)['selector'], { only: 'this' })
    assert.deepEqual(ports({ ports: [{ $patch: 'replace' }, { port: 1 }] }), [{ port: 1 }])
  })

  it('merges and deletes in primitive lists', () => {
    const add = strategic(target, { metadata: { finalizers: ['z/w'] } })
    assert.deepEqual((add['metadata'] as JsonObject)['finalizers'], ['x/y', 'z/w'])
    const remove = strategic(target, { metadata: { '$deleteFromPrimitiveList/finalizers': ['x/y'] } })
    assert.deepEqual((remove['metadata'] as JsonObject)['finalizers'], [])
  })

  it('clears everything but $retainKeys in volumes', () => {
    const volumes = { spec: { volumes: [{ name: 'v', emptyDir: {} }], containers: [] } }
    const patch = { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } }
    const result = strategic(volumes, patch, pod)
    assert.deepEqual((result['spec'] as JsonObject)['volumes'], [{ name: 'v', hostPath: { path: '/x' } }])
  })

  it('refuses list items without their merge key, in upstream’s words', () => {
    const outcome = applyStrategicPatch(target, { spec: { ports: [{ name: 'x' }] } }, service)
    assert.ok('refusal' in outcome)
    assert.equal(outcome.refusal.message, 'map: map[name:x] does not contain declared merge key: port')
    assert.equal(outcome.refusal.code, 500)
  })

  it('is a merge patch where no list and no directive is involved', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean())
    const labels = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.oneof(leaf, fc.constant(null)))
    fc.assert(
      fc.property(labels, labels, (before, patch) => {
        const clean = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== null))
        const both = [{ metadata: { labels: clean } }, { metadata: { labels: patch } }] as const
        assert.deepEqual(strategic(both[0] as never, both[1]), applyMergePatch(both[0] as never, both[1] as never))
      }),
    )
  })
})
