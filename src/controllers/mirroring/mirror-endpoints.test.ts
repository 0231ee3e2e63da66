import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyChanges, sampleEndpoints } from '../testing/sample-objects.ts'
import { droppedText, mirrorEndpoints } from './mirror-endpoints.ts'

test('15.4 split by family and ports, owned by the Endpoints, only `ready` as condition', () => {
  const endpoints = sampleEndpoints('db', [
    {
      addresses: [{ ip: '192.0.2.1', hostname: 'one' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '192.0.2.2', nodeName: 'n' }],
      ports: [{ port: 5432, name: 'sql' }],
    },
    { addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 9187 }] },
  ])
  const annotated = {
    ...endpoints,
    metadata: {
      ...endpoints.metadata,
      annotations: { keep: 'me', 'endpoints.kubernetes.io/last-change-trigger-time': 'x' },
    },
  }
  const { create, ...rest } = mirrorEndpoints(annotated, [])
  assert.deepEqual(droppedText(rest), [])
  assert.deepEqual(
    create.map(({ addressType, ports, endpoints: list }) => [addressType, ports, list]),
    [
      [
        'IPv4',
        [{ port: 5432, name: 'sql', protocol: 'TCP' }],
        [
          { addresses: ['192.0.2.1'], conditions: { ready: true }, hostname: 'one' },
          { addresses: ['192.0.2.2'], conditions: { ready: false }, nodeName: 'n' },
        ],
      ],
      [
        'IPv4',
        [{ port: 9187, name: '', protocol: 'TCP' }],
        [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
      ],
      [
        'IPv6',
        [{ port: 5432, name: 'sql', protocol: 'TCP' }],
        [{ addresses: ['2001:db8::1'], conditions: { ready: true } }],
      ],
    ],
  )
  assert.deepEqual(create[0]?.metadata, {
    name: '',
    generateName: 'db-',
    namespace: 'default',
    labels: {
      team: 'x',
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    },
    annotations: { keep: 'me' },
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'Endpoints',
        name: 'db',
        uid: 'endpoints-db',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  })
})

test('15.4 no write without a reason; labels and annotations are one; emptied Endpoints leave nothing', () => {
  const endpoints = sampleEndpoints('db', [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 1 }] }])
  const slices = applyChanges([], mirrorEndpoints(endpoints, []))
  const count = (changes: ReturnType<typeof mirrorEndpoints>): readonly number[] => [
    changes.create.length,
    changes.update.length,
    changes.delete.length,
  ]
  assert.deepEqual(count(mirrorEndpoints(endpoints, slices)), [0, 0, 0])
  const annotated = { ...endpoints, metadata: { ...endpoints.metadata, annotations: { a: 'b' } } }
  assert.deepEqual(count(mirrorEndpoints(annotated, slices)), [0, 1, 0])
  assert.deepEqual(count(mirrorEndpoints({ ...endpoints, subsets: [] }, slices)), [0, 0, 1])
  const reborn = { ...endpoints, metadata: { ...endpoints.metadata, uid: 'other' } }
  assert.deepEqual(count(mirrorEndpoints(reborn, slices)), [1, 0, 1])
})

test('15.4 1000 addresses a subset, the rest is counted; what is no address too', () => {
  const addresses = Array.from({ length: 1005 }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` }))
  const { create, ...rest } = mirrorEndpoints(sampleEndpoints('db', [{ addresses, ports: [{ port: 1 }] }]), [])
  assert.equal(create[0]?.endpoints?.length, 1000)
  const most = 'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset'
  assert.deepEqual(droppedText(rest), [
    { reason: 'TooManyAddressesToMirror', message: `${most}. 5 addresses were skipped` },
  ])
  // An address that is there twice is mirrored once, and not dropped.
  const twice = [{ ip: '10.0.0.1' }, { ip: 'x' }, { ip: '10.0.0.1' }]
  assert.deepEqual(droppedText(mirrorEndpoints(sampleEndpoints('db', [{ addresses: twice }]), [])), [
    { reason: 'InvalidIPAddress', message: 'Skipped 1 invalid IP addresses when mirroring to EndpointSlices' },
  ])
})
