import assert from 'node:assert/strict'
import { test } from 'node:test'
import { samplePod, sampleService } from '../testing/sample-objects.ts'
import { buildEndpoints, sameEndpoints } from './build-endpoints.ts'
import { truncateSubsets } from './truncate-subsets.ts'

test('15.3 ready and not ready, sorted, with the labels of the service; terminating and finished pods are out', () => {
  const service = sampleService('web')
  const labelled = { ...service, metadata: { ...service.metadata, labels: { team: 'x' } } }
  const endpoints = buildEndpoints(labelled, [
    samplePod('c', { ips: ['10.0.0.3'] }),
    samplePod('a', { ips: ['10.0.0.1'], ready: false }),
    samplePod('b', { ips: ['10.0.0.2'] }),
    samplePod('t', { ips: ['10.0.0.4'], terminating: true }),
    samplePod('f', { ips: ['10.0.0.5'], phase: 'Failed' }),
    samplePod('x', { ips: [] }),
  ])
  assert.deepEqual(endpoints.metadata.labels, {
    team: 'x',
    'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
  })
  const [subset] = endpoints.subsets ?? []
  assert.equal(endpoints.subsets?.length, 1)
  assert.deepEqual(
    [subset?.addresses?.map(({ ip }) => ip), subset?.notReadyAddresses?.map(({ ip }) => ip)],
    [['10.0.0.2', '10.0.0.3'], ['10.0.0.1']],
  )
  assert.deepEqual(subset?.addresses?.[0], {
    ip: '10.0.0.2',
    nodeName: 'node-1',
    targetRef: { kind: 'Pod', name: 'b', namespace: 'default', uid: 'pod-b' },
  })
  assert.deepEqual(subset?.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }])
})

test('15.3 publishNotReadyAddresses puts all in addresses, terminating ones too', () => {
  const { subsets } = buildEndpoints(sampleService('web', { publishNotReadyAddresses: true }), [
    samplePod('a', { ips: ['10.0.0.1'], ready: false }),
    samplePod('b', { ips: ['10.0.0.2'], terminating: true }),
  ])
  assert.deepEqual(subsets?.[0]?.addresses?.length, 2)
  assert.equal(subsets?.[0]?.notReadyAddresses, undefined)
})

test('15.3 only the primary family; the headless label; different ports are different subsets', () => {
  const service = sampleService('web', {
    clusterIP: 'None',
    ipFamilies: ['IPv6', 'IPv4'],
    ports: [{ port: 80, targetPort: 'web' }],
  })
  const pod = (name: string, containerPort: number, ip: string) =>
    samplePod(name, {
      ips: ['10.0.0.1', ip],
      spec: { containers: [{ name: 'main', ports: [{ name: 'web', containerPort }] }] },
    })
  const endpoints = buildEndpoints(service, [pod('a', 9090, 'fd00::1'), pod('b', 8080, 'fd00::2')])
  assert.equal(endpoints.metadata.labels?.['service.kubernetes.io/headless'], '')
  assert.deepEqual(
    endpoints.subsets?.map(({ addresses, ports }) => [addresses?.[0]?.ip, ports]),
    [
      ['fd00::2', [{ protocol: 'TCP', port: 8080 }]],
      ['fd00::1', [{ protocol: 'TCP', port: 9090 }]],
    ],
  )
  const portless = sampleService('web', { clusterIP: 'None', ports: [] })
  assert.deepEqual(buildEndpoints(portless, [samplePod('a')]).subsets?.[0]?.ports, undefined)
  assert.equal(buildEndpoints(service, [samplePod('z', { ips: ['fd00::9'] })]).subsets, undefined, 'no such port')
})

test('15.3 a trigger time is no reason to write; an address is', () => {
  const wanted = buildEndpoints(sampleService('web'), [samplePod('a')])
  const stored = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: '7', annotations: { other: 'x' } } }
  assert.equal(sameEndpoints(stored, wanted), true)
  assert.equal(sameEndpoints(stored, buildEndpoints(sampleService('web'), [samplePod('b')])), false)
  assert.equal(sameEndpoints(stored, buildEndpoints(sampleService('web'), [samplePod('a', { ready: false })])), false)
})

test('15.3 over 1000 addresses: ready first, each subset its share, and the annotation says so', () => {
  const list = (count: number, from: number) => Array.from({ length: count }, (_, i) => ({ ip: `${from + i}` }))
  const cut = truncateSubsets(
    [
      { addresses: list(30, 0), notReadyAddresses: list(20, 100) },
      { addresses: list(60, 200), ports: [{ port: 1 }] },
    ],
    60,
  )
  assert.equal(cut.truncated, true)
  assert.deepEqual(
    cut.subsets.map(({ addresses, notReadyAddresses }) => [addresses?.length, notReadyAddresses?.length]),
    [
      [20, undefined],
      [40, undefined],
    ],
  )
  const room = truncateSubsets([{ addresses: list(5, 0), notReadyAddresses: list(10, 50) }], 10)
  assert.deepEqual([room.subsets[0]?.addresses?.length, room.subsets[0]?.notReadyAddresses?.length], [5, 5])
  const pods = Array.from({ length: 1001 }, (_, i) => samplePod(`p${i}`, { ips: [`10.0.${i >> 8}.${i & 255}`] }))
  const { metadata, subsets } = buildEndpoints(sampleService('web'), pods)
  assert.equal(metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated')
  assert.equal(subsets?.[0]?.addresses?.length, 1000)
})
