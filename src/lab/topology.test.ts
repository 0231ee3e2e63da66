import assert from 'node:assert/strict'
import { test } from 'node:test'

import { cidrContains, FAMILIES, hasCode, parseCidr } from '#lib'

import { hostsOf, MAX_NODES, planTopology, routesOf } from './topology.ts'

const two = planTopology({ nodes: 2, families: FAMILIES })

test('two nodes are where every other part of the box expects them', () => {
  assert.deepEqual(
    hostsOf(two).map((host) => [host.name, host.addresses.IPv4, host.addresses.IPv6]),
    [
      ['control-plane', '172.18.0.10', 'fd00:172:18::10'],
      ['node-1', '172.18.0.11', 'fd00:172:18::11'],
      ['node-2', '172.18.0.12', 'fd00:172:18::12'],
      ['client', '172.18.0.100', 'fd00:172:18::100'],
    ],
  )
  assert.deepEqual(
    two.nodes.map((node) => node.podCidrs),
    [
      { IPv4: '10.244.1.0/24', IPv6: 'fd00:10:244:1::/64' },
      { IPv4: '10.244.2.0/24', IPv6: 'fd00:10:244:2::/64' },
    ],
  )
})

test('a node routes the pods of the others, never its own, and has a default route', () => {
  const [first] = two.nodes
  assert.ok(first)
  assert.deepEqual(routesOf(two, first), [
    { to: '10.244.2.0/24', via: '172.18.0.12' },
    { to: 'fd00:10:244:2::/64', via: 'fd00:172:18::12' },
    { to: '0.0.0.0/0', via: '172.18.0.1' },
    { to: '::/0', via: 'fd00:172:18::1' },
  ])
})

test('the client knows its link and nothing behind it', () => assert.deepEqual(routesOf(two, two.client), []))

test('a single-stack box has no trace of the other family', () => {
  const single = planTopology({ nodes: 1, families: ['IPv4'] })
  assert.doesNotMatch(JSON.stringify({ ...single, routes: routesOf(single, single.controlPlane) }), /fd00|fe80/)
})

test('the largest box has unique names and addresses, and every pod CIDR lies in the cluster CIDR', () => {
  const most = planTopology({ nodes: MAX_NODES, families: FAMILIES })
  const hosts = hostsOf(most)
  for (const unique of [
    hosts.map((host) => host.netns),
    hosts.map((host) => host.port),
    hosts.map((host) => host.addresses.IPv4),
    hosts.map((host) => host.addresses.IPv6),
  ]) {
    assert.equal(new Set(unique).size, hosts.length)
  }
  for (const family of FAMILIES) {
    const cluster = parseCidr(most.clusterCidrs[family] ?? '')
    assert.ok(cluster)
    for (const node of most.nodes) {
      const pods = parseCidr(node.podCidrs[family] ?? '')
      assert.ok(pods && cidrContains(cluster, pods.network), `${node.name} ${family}`)
    }
  }
})

test('a number of nodes without room in the address plan is refused', () => {
  for (const nodes of [0, MAX_NODES + 1, 1.5]) {
    assert.throws(
      () => planTopology({ nodes, families: FAMILIES }),
      (error) => hasCode(error, 'SBX_LAB_SIZE'),
    )
  }
})
