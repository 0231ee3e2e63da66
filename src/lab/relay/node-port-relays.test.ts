import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Service, ServicePort } from '#api'
import { FAMILIES } from '#lib'

import { planTopology } from '../topology.ts'
import { nodePortRelays, relayAllows } from './node-port-relays.ts'

const topology = planTopology({ nodes: 2, families: FAMILIES })

function service(ports: readonly ServicePort[], spec: Partial<Service['spec']> = {}): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec: { ports, ...spec } }
}

test('each node port of TCP and UDP has a relay, under its own number if that is free', () => {
  const relays = nodePortRelays(
    [
      service([
        { port: 80, nodePort: 30_080 },
        { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_053 },
        { name: 'sctp', port: 9, protocol: 'SCTP', nodePort: 30_009 },
        { name: 'none', port: 81 },
      ]),
    ],
    topology,
  )
  assert.deepEqual(relays, [
    { name: 'shop/web:80', target: { protocol: 'TCP', host: '172.18.0.11', port: 30_080 }, preferredPort: 30_080 },
    { name: 'shop/web:dns', target: { protocol: 'UDP', host: '172.18.0.11', port: 30_053 }, preferredPort: 30_053 },
  ])
})

test('an IPv6 service is reached over IPv6', () => {
  const [relay] = nodePortRelays([service([{ port: 80, nodePort: 30_080 }], { ipFamilies: ['IPv6'] })], topology)
  assert.equal(relay?.target.host, 'fd00:172:18::11')
})

test('the box lets relays reach the API server and the nodes, nothing else', () => {
  const allows = relayAllows(topology, 10_250)
  const cases: readonly (readonly [string, number, boolean])[] = [
    ['172.18.0.10', 6443, true],
    ['172.18.0.10', 22, false],
    ['172.18.0.12', 30_080, true],
    ['fd00:172:18:0::11', 30_080, true],
    ['172.18.0.11', 10_250, false],
    ['172.18.0.100', 30_080, false],
    ['10.244.1.2', 80, false],
    ['127.0.0.1', 80, false],
    ['localhost', 80, false],
  ]
  for (const [host, port, expected] of cases) {
    assert.equal(allows({ protocol: 'TCP', host, port }), expected, `${host}:${port}`)
  }
})
