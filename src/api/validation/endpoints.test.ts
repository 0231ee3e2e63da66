import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { validateEndpoints, validateEndpointSlice, validateEndpointSliceUpdate } from './endpoints.ts'
import type { FieldError } from './field-error.ts'

const ADDRESS_TEXT = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const slice = (change: object): object => ({ addressType: 'IPv4', endpoints: [], ports: [], ...change })
const endpoint = (change: object): object => slice({ endpoints: [{ addresses: ['10.0.0.1'], ...change }] })
const port = (...ports: object[]): object => slice({ ports: ports.map((one) => ({ protocol: 'TCP', ...one })) })
const many = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
const names = (count: number): readonly object[] => Array.from({ length: count }, (_, i) => ({ name: `z${i}` }))

const rows: readonly (readonly [string, object, readonly string[]])[] = [
  ['valid, empty', slice({}), []],
  ['null lists', slice({ endpoints: null, ports: null }), []],
  ['addressType: required', slice({ addressType: '' }), ['addressType: Required value']],
  [
    'addressType: values',
    slice({ addressType: 'IPX' }),
    ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'],
  ],
  [
    'endpoints: at most 1000',
    slice({ endpoints: many(1001).map((address) => ({ addresses: [address] })) }),
    ['endpoints: Too many: 1001: must have at most 1000 items'],
  ],
  [
    'endpoints[i].addresses: at least one',
    endpoint({ addresses: [] }),
    ['endpoints[0].addresses: Required value: must contain at least 1 address'],
  ],
  [
    'endpoints[i].addresses: at most 100',
    endpoint({ addresses: many(101) }),
    ['endpoints[0].addresses: Too many: 101: must have at most 100 items'],
  ],
  [
    'endpoints[i].addresses: family',
    endpoint({ addresses: ['fd00::1'] }),
    ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address'],
  ],
  [
    'endpoints[i].addresses: form',
    endpoint({ addresses: ['x'] }),
    [`endpoints[0].addresses[0]: Invalid value: "x": ${ADDRESS_TEXT}`],
  ],
  [
    'endpoints[i].addresses: loopback',
    endpoint({ addresses: ['127.0.0.1'] }),
    ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    'endpoints[i].addresses: unspecified',
    endpoint({ addresses: ['0.0.0.0'] }),
    ['endpoints[0].addresses[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)'],
  ],
  [
    'endpoints[i].addresses: link-local',
    endpoint({ addresses: ['169.254.0.1'] }),
    [
      'endpoints[0].addresses[0]: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
  ],
  [
    'endpoints[i].addresses: FQDN needs two labels',
    slice({ addressType: 'FQDN', endpoints: [{ addresses: ['host'] }] }),
    [
      'endpoints[0].addresses[0]: Invalid value: "host": should be a domain with at least two segments separated by dots',
    ],
  ],
  ['endpoints[i].addresses: FQDN', slice({ addressType: 'FQDN', endpoints: [{ addresses: ['host.example'] }] }), []],
  [
    'endpoints[i].hostname: label',
    endpoint({ hostname: 'a.b' }),
    [
      "endpoints[0].hostname: Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  ],
  [
    'endpoints[i].hints.forZones: at most 8',
    endpoint({ hints: { forZones: names(9) } }),
    ['endpoints[0].hints.forZones: Too many: 9: must have at most 8 items'],
  ],
  [
    'endpoints[i].hints.forNodes: at most 8',
    endpoint({ hints: { forNodes: names(9) } }),
    ['endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items'],
  ],
  [
    'endpoints[i].hints.forZones: unique',
    endpoint({ hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }),
    ['endpoints[0].hints.forZones[1]: Duplicate value: "a"'],
  ],
  [
    'endpoints[i].hints.forZones: named',
    endpoint({ hints: { forZones: [{}] } }),
    ['endpoints[0].hints.forZones[0].name: Required value'],
  ],
  [
    'endpoints[i].conditions: booleans',
    endpoint({ conditions: { ready: 'yes' } }),
    ['endpoints[0].conditions.ready: Invalid value: "yes": must be a boolean'],
  ],
  ['ports: name unique', port({ name: 'a', port: 1 }, { name: 'a', port: 2 }), ['ports[1].name: Duplicate value: "a"']],
  ['ports: number is not range-checked', port({ name: '', port: 0 }, { name: 'b', port: 70000 }), []],
  ['ports: no number is all ports', port({ name: '' }), []],
  [
    'ports: protocol',
    port({ protocol: 'ICMP' }),
    ['ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
  ],
]

describe('validateEndpointSlice (api-server.md 14.2)', () => {
  for (const [name, value, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateEndpointSlice(value)), expected))
  }

  it('addressType: immutable', () => {
    assert.deepEqual(texts(validateEndpointSliceUpdate(slice({ addressType: 'IPv6' }), slice({}))), [
      'addressType: Invalid value: "IPv6": field is immutable',
    ])
  })

  it('endpoints: unchanged invalid ones pass an update', () => {
    const stored = endpoint({ addresses: ['127.0.0.1'] })
    assert.deepEqual(validateEndpointSliceUpdate({ ...stored, metadata: { labels: { a: 'b' } } }, stored), [])
    assert.notDeepEqual(validateEndpointSliceUpdate(endpoint({ addresses: ['127.0.0.2'] }), stored), [])
  })
})

describe('validateEndpoints (api-server.md 14.3)', () => {
  const subset = (change: object): object => ({
    subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }], ...change }],
  })
  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', subset({}), []],
    ['none', {}, []],
    [
      'subsets[i]: some address',
      subset({ addresses: [] }),
      ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ],
    [
      'subsets[i].addresses[j].ip: loopback',
      subset({ addresses: [{ ip: '::1' }] }),
      ['subsets[0].addresses[0].ip: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      'subsets[i].notReadyAddresses[j].ip: form',
      subset({ notReadyAddresses: [{ ip: '' }] }),
      [`subsets[0].notReadyAddresses[0].ip: Invalid value: "": ${ADDRESS_TEXT}`],
    ],
    [
      'subsets[i].ports[j].name: required when there are several',
      subset({
        ports: [
          { port: 80, protocol: 'TCP' },
          { name: 'b', port: 81, protocol: 'TCP' },
        ],
      }),
      ['subsets[0].ports[0].name: Required value'],
    ],
    [
      'subsets[i].ports[j].port: range',
      subset({ ports: [{ port: 0, protocol: 'TCP' }] }),
      ['subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
  ]
  for (const [name, value, expected] of cases) {
    it(name, () => assert.deepEqual(texts(validateEndpoints(value)), expected))
  }
})
