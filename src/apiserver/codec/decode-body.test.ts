import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { decode, kindOf, objectOf, refusalOf } from './decode-fixture.shared.ts'
import type { DecodeResult, FieldValidation } from './index.ts'
import { checkFields } from './index.ts'

const HEAD = 'Service in version "v1" cannot be handled as a Service: '

describe('decodeBody: field validation (api-server.md 5)', () => {
  const twoUnknown = '{"metadata":{"name":"a","foo":1},"spec":{"ports":[{"port":1,"portt":2}]}}'

  it('Strict: 400 with every finding', () => {
    const text = `400 ${HEAD}strict decoding error: unknown field "metadata.foo", unknown field "spec.ports[0].portt"`
    assert.equal(refusalOf(decode(twoUnknown)), text)
  })

  it('Strict: duplicate keys', () => {
    const text = `400 ${HEAD}strict decoding error: duplicate field "metadata.name"`
    assert.equal(refusalOf(decode('{"metadata":{"name":"a","name":"b"}}')), text)
  })

  it('Warn: one warning a finding, the unknown is left out', () => {
    const result = decode(twoUnknown, { mode: 'Warn' })
    assert.ok('warnings' in result)
    assert.deepEqual(result.warnings, ['unknown field "metadata.foo"', 'unknown field "spec.ports[0].portt"'])
    assert.deepEqual(objectOf(result)['spec'], { ports: [{ port: 1 }] })
  })

  it('Ignore: silent, last duplicate wins', () => {
    const result = decode('{"metadata":{"name":"a","name":"b"},"x":1}', { mode: 'Ignore' })
    assert.deepEqual(result, {
      object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'b' } },
      warnings: [],
    })
  })

  const types: readonly (readonly [string, string, string])[] = [
    [
      'string for int32',
      '{"spec":{"ports":[{"port":"x"}]}}',
      'cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'number for string',
      '{"spec":{"type":5}}',
      'cannot unmarshal number into Go struct field ServiceSpec.spec.type of type string',
    ],
    [
      'number too large',
      '{"spec":{"ports":[{"port":3000000000}]}}',
      'cannot unmarshal number 3000000000 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'fraction',
      '{"spec":{"ports":[{"port":1.5}]}}',
      'cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      'object for list',
      '{"spec":{"ports":{}}}',
      'cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      'list for map',
      '{"spec":{"selector":[]}}',
      'cannot unmarshal array into Go struct field ServiceSpec.spec.selector of type map[string]string',
    ],
    [
      'string for struct',
      '{"spec":"x"}',
      'cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec',
    ],
    [
      'bool for int-or-string',
      '{"spec":{"ports":[{"targetPort":true}]}}',
      'cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    [
      'number in a map of strings',
      '{"metadata":{"labels":{"a":1}}}',
      'cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
  ]
  for (const [name, body, expected] of types) {
    it(`wrong type: ${name}`, () => {
      for (const mode of ['Strict', 'Warn', 'Ignore'] as const) {
        assert.equal(refusalOf(decode(body, { mode })), `400 ${HEAD}json: ${expected}`)
      }
    })
  }

  it('wrong type: time', () => {
    const body = '{"metadata":{"creationTimestamp":"yesterday"}}'
    assert.match(refusalOf(decode(body)), /parsing time "\\"yesterday\\"" as "2006-01-02T15:04:05Z07:00"/)
  })

  it('checkFields finds the same after a patch', () => {
    const result = checkFields(kindOf('services'), { metadata: { name: 'a' }, spec: { typo: 1 } }, 'Strict')
    assert.ok('refusal' in result)
    assert.equal(result.refusal.message, `${HEAD}strict decoding error: unknown field "spec.typo"`)
  })
})

describe('decodeBody: what Go cannot tell from absent', () => {
  it('null and zero values vanish, pointers and required ones stay', () => {
    const spec =
      '{"clusterIP":"","externalIPs":[],"selector":{},"publishNotReadyAddresses":false,"type":null,"allocateLoadBalancerNodePorts":false,"trafficDistribution":"","ports":[{"port":0,"nodePort":0,"name":""}]}'
    assert.deepEqual(
      objectOf(decode(`{"metadata":{"name":"a","creationTimestamp":null},"spec":${spec},"status":{}}`)),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'a' },
        spec: { allocateLoadBalancerNodePorts: false, trafficDistribution: '', ports: [{ port: 0 }] },
        status: {},
      },
    )
  })

  it('null items become empty ones', () => {
    assert.deepEqual(objectOf(decode('{"spec":{"ports":[null],"externalIPs":[null]}}'))['spec'], {
      ports: [{}],
      externalIPs: [''],
    })
  })

  it('times are printed in one form', () => {
    const body =
      '{"spec":{"renewTime":"2026-01-01T02:00:00.5+02:00"},"metadata":{"creationTimestamp":"2026-01-01T02:00:00.5+02:00"}}'
    const object = objectOf(decode(body, { resource: 'leases' }))
    assert.deepEqual(object['spec'], { renewTime: '2026-01-01T00:00:00.500000Z' })
    assert.deepEqual(object['metadata'], { creationTimestamp: '2026-01-01T00:00:00Z' })
  })

  it('quantities may be numbers', () => {
    const body = '{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":1,"memory":"64Mi"}}}]}}'
    const spec = objectOf(decode(body, { resource: 'pods' }))['spec'] as { containers: { resources: unknown }[] }
    assert.deepEqual(spec.containers[0]?.resources, { limits: { cpu: '1', memory: '64Mi' } })
  })

  it('fieldsV1 is kept as it is', () => {
    const fieldsV1 = { 'f:spec': { 'k:{"port":80}': { '.': {} } } }
    const body = JSON.stringify({ metadata: { managedFields: [{ manager: 'm', fieldsV1 }] } })
    const metadata = objectOf(decode(body))['metadata'] as { managedFields: { fieldsV1: unknown }[] }
    assert.deepEqual(metadata.managedFields[0]?.fieldsV1, fieldsV1)
  })

  it('a key named __proto__ is data', () => {
    const metadata = objectOf(decode('{"metadata":{"labels":{"__proto__":"x"}}}'))['metadata'] as { labels: object }
    assert.equal(Object.hasOwn(metadata.labels, '__proto__'), true)
    assert.equal(Object.getPrototypeOf(metadata.labels), Object.prototype)
  })
})

describe('decodeBody: what a body may be', () => {
  it('kind and apiVersion are optional, but must fit', () => {
    assert.equal(objectOf(decode('{"metadata":{"name":"a"}}'))['kind'], 'Service')
    assert.match(
      refusalOf(decode('{"kind":"Pod","apiVersion":"v1"}')),
      /^400 Pod in version "v1" cannot be handled as a Service/,
    )
    assert.equal(
      refusalOf(decode('{"kind":"Service","apiVersion":"apps/v1"}')),
      '400 the API version in the data (apps/v1) does not match the expected API version (v1)',
    )
  })

  it('media types', () => {
    assert.equal(
      refusalOf(decode('{}', { type: 'application/cbor' })),
      '415 the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    )
    assert.ok('object' in decode('{}', { type: 'application/json; charset=utf-8' }))
    assert.ok('object' in decode('{}', { type: '' }))
  })

  it('size and depth are bounded', () => {
    assert.equal(refusalOf(decode(Buffer.alloc(3_145_729, 0x20))), '413 Request entity too large: limit is 3145728')
    const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`
    assert.match(refusalOf(decode(deep)), /exceeded max depth/)
    assert.match(refusalOf(decode(`${'['.repeat(5000)}`, { type: 'application/yaml' })), /^400 /)
  })

  it('neither text nor list nor broken JSON', () => {
    for (const body of ['', '[]', '"x"', 'null', '{"a":}', '{"a":1,}', '{a:1}', '01', '{"a":"\u0001"}', '{} x']) {
      assert.match(
        refusalOf(decode(body)),
        /^400 the object provided is unrecognized \(must be of type Service\)/,
        body,
      )
    }
  })
})

describe('decodeBody: YAML', () => {
  const yaml = (text: string, mode: FieldValidation = 'Strict'): DecodeResult =>
    decode(text, { type: 'application/yaml', mode })

  it('reads what kubectl reads', () => {
    const text =
      'metadata:\n  name: a\n  labels: {x: "yes"}\nspec:\n  publishNotReadyAddresses: yes\n  ports:\n  - port: 0x50\n'
    assert.deepEqual(objectOf(yaml(text)), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', labels: { x: 'yes' } },
      spec: { publishNotReadyAddresses: true, ports: [{ port: 80 }] },
    })
  })

  it('times and base-60 numbers stay text', () => {
    const text = 'metadata:\n  annotations:\n    a: 2026-01-01\n    b: 12:30:45\n'
    const metadata = objectOf(yaml(text))['metadata'] as { annotations: unknown }
    assert.deepEqual(metadata.annotations, { a: '2026-01-01', b: '12:30:45' })
  })

  it('duplicate keys and unknown fields', () => {
    const text = `400 ${HEAD}strict decoding error: duplicate field "metadata.name", unknown field "spec.x"`
    assert.equal(refusalOf(yaml('metadata: {name: a, name: b}\nspec: {x: 1}\n')), text)
  })

  it('aliases work, alias bombs do not', () => {
    const shared = 'metadata:\n  labels: &l {a: b}\nspec:\n  selector: *l\n'
    assert.deepEqual((objectOf(yaml(shared))['spec'] as { selector: unknown }).selector, { a: 'b' })
    const levels = Array.from({ length: 20 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`)
    assert.match(refusalOf(yaml(`l0: &l0 x\n${levels.join('\n')}\n`)), /^400 /)
  })

  it('two documents, tabs, and other nonsense are refused', () => {
    for (const text of ['a: 1\n---\na: 2\n', 'a:\n\t- b\n', 'a: [', '? [x]\n: y\n', '*nowhere']) {
      assert.match(refusalOf(yaml(text)), /^400 /, text)
    }
  })
})
