import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import fc from 'fast-check'

import { decode, kinds, PROTOBUF } from './decode-fixture.shared.ts'
import { parseJson } from './parse-json.ts'
import { parseYaml } from './parse-yaml.ts'

describe('decoders on anything', () => {
  it('parseJson agrees with JSON.parse', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseJson(text)
        assert.ok('value' in parsed)
        assert.deepEqual(parsed.value, JSON.parse(text))
      }),
      { numRuns: 300 },
    )
  })

  it('parseJson accepts nothing that JSON.parse refuses', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'{}[]":,\\0123456789.eE+-truefalsn u\n'.split('')),
      maxLength: 12,
    })
    fc.assert(
      fc.property(text, (one) => {
        let expected: unknown
        try {
          expected = { value: JSON.parse(one) as unknown }
        } catch {
          expected = undefined
        }
        const parsed = parseJson(one)
        assert.equal('value' in parsed, expected !== undefined, one)
      }),
      { numRuns: 2000 },
    )
  })

  it('bytes of any type give an object or a refusal', () => {
    const types = fc.constantFrom('application/json', 'application/yaml', PROTOBUF)
    const resources = fc.constantFrom(...kinds.map(({ info }) => info.resource))
    const magic = fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => Buffer.concat([Buffer.from('k8s\0\x12'), Buffer.from([bytes.length]), bytes]))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      magic,
      fc.json().map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, types, resources, (body, type, resource) => {
        const result = decode(body, { type, resource, mode: 'Warn' })
        assert.ok('refusal' in result ? result.refusal.code >= 400 : typeof result.object.metadata === 'object')
      }),
      { numRuns: 500 },
    )
  })

  it('YAML of any shape gives a value or a problem', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab:-?[]{}&*!|>%@#,\'" \n\t<0'.split('')), maxLength: 25 })
    fc.assert(
      fc.property(text, (one) => assert.ok(typeof parseYaml(one) === 'object')),
      { numRuns: 500 },
    )
  })
})
