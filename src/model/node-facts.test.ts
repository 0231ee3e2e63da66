import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeAddressOf, nodeFactsOf } from './node-facts.ts'

test('OP-19 IN-35 addresses, InternalIP first, zone and pod CIDRs', () => {
  const facts = nodeFactsOf('node-1', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'a' } },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] },
    status: {
      addresses: [
        { type: 'ExternalIP', address: '203.0.113.1' },
        { type: 'Hostname', address: 'node-1' },
        { type: 'InternalIP', address: '172.18.0.11' },
        { type: 'InternalIP', address: 'FD00::11' },
      ],
    },
  })
  assert.deepEqual(facts, {
    name: 'node-1',
    zone: 'a',
    addresses: ['172.18.0.11', 'fd00::11', '203.0.113.1'],
    podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'],
  })
  assert.equal(nodeAddressOf(facts, 'IPv6'), 'fd00::11')
})

test('OP-16 an unknown node has a name and nothing else', () => {
  assert.deepEqual(nodeFactsOf('node-1', undefined), { name: 'node-1', addresses: [], podCIDRs: [] })
})
