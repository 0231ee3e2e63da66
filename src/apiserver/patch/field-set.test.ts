import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import fc from 'fast-check'

import { fieldSet } from './field-set.ts'
import { decodeFields, encodeFields, printPath } from './index.ts'

describe('field sets', () => {
  it('survive their wire form', () => {
    const element = fc.oneof(
      fc.string({ maxLength: 4 }).map((name) => `f:${name}`),
      fc.integer({ min: 0, max: 3 }).map((port) => `k:{"port":${port}}`),
      fc.string({ maxLength: 2 }).map((value) => `v:${JSON.stringify(value)}`),
    )
    fc.assert(
      fc.property(fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), (paths) => {
        const set = fieldSet(paths)
        const again = decodeFields(JSON.parse(JSON.stringify(encodeFields(set))))
        assert.deepEqual([...again.keys()].sort(), [...set.keys()].sort())
      }),
    )
  })

  it('print as conflicts name them', () => {
    assert.equal(
      printPath(['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:name']),
      '.spec.ports[port=80,protocol="TCP"].name',
    )
    assert.equal(printPath(['f:metadata', 'f:finalizers', 'v:"a/b"']), '.metadata.finalizers[="a/b"]')
  })
})
