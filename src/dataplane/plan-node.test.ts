import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Family } from '#lib'
import type { NodeFacts } from '#model'
import type { DataplaneConfig } from './config.ts'
import { DEFAULT_DATAPLANE_CONFIG } from './config.ts'
import { planNode } from './plan-node.ts'
import type { NodePlan } from './types.ts'

const NODE: NodeFacts = {
  name: 'node-1',
  addresses: ['172.18.0.11', 'fd00:172:18::11'],
  podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
}
const HOST = ['127.0.0.1', '::1', '172.18.0.11', '192.168.9.9', 'fd00:172:18::11']

function plan(config: Partial<DataplaneConfig>, family: Family = 'IPv4'): NodePlan {
  return planNode({ config: { ...DEFAULT_DATAPLANE_CONFIG, ...config }, node: NODE, family, hostAddresses: HOST })
}

test('IPT-9 the mark is one bit', () => {
  assert.equal(plan({}).masqueradeMark, 0x4000)
  assert.equal(plan({ masqueradeBit: 31 }).masqueradeMark, 0x8000_0000)
})

test('OP-22 the local detector of each mode; missing data is none', () => {
  const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/56', '10.245.0.0/16']
  assert.deepEqual(plan({ clusterCIDRs }).localDetector, { kind: 'source', cidr: '10.244.0.0/16' })
  assert.deepEqual(plan({ clusterCIDRs }, 'IPv6').localDetector, { kind: 'source', cidr: 'fd00:10:244::/56' })
  assert.equal(plan({}).localDetector, undefined)
  assert.deepEqual(plan({ detectLocalMode: 'NodeCIDR' }, 'IPv6').localDetector, {
    kind: 'source',
    cidr: 'fd00:10:244:1::/64',
  })
  assert.deepEqual(plan({ detectLocalMode: 'BridgeInterface', bridgeInterface: 'br0' }).localDetector, {
    kind: 'interface',
    name: 'br0',
  })
  assert.deepEqual(plan({ detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'veth' }).localDetector, {
    kind: 'interface-prefix',
    prefix: 'veth',
  })
  assert.equal(plan({ detectLocalMode: 'BridgeInterface' }).localDetector, undefined)
})

test('TG-25 TG-27 no CIDR of a family, or /0, is every local address', () => {
  assert.deepEqual(plan({}).nodePortAddresses, { kind: 'all-local', loopback: true })
  assert.deepEqual(plan({ nodePortAddresses: ['172.18.0.0/24'] }, 'IPv6').nodePortAddresses, {
    kind: 'all-local',
    loopback: false,
  })
  assert.deepEqual(plan({ nodePortAddresses: ['0.0.0.0/0'] }).nodePortAddresses, { kind: 'all-local', loopback: true })
})

test('TG-26 TG-28 primary and CIDRs are looked up among the addresses of the host', () => {
  assert.deepEqual(plan({ nodePortAddresses: ['primary'] }).nodePortAddresses, {
    kind: 'listed',
    addresses: ['172.18.0.11'],
  })
  assert.deepEqual(plan({ nodePortAddresses: ['192.168.0.0/16', '172.18.0.0/24'] }).nodePortAddresses, {
    kind: 'listed',
    addresses: ['172.18.0.11', '192.168.9.9'],
  })
})

test('TG-29 CC-66 CC-67 loopback: IPv4 only, when wanted and listed', () => {
  assert.equal(plan({}).localhostNodePorts, true)
  assert.equal(plan({}, 'IPv6').localhostNodePorts, false)
  assert.equal(plan({ localhostNodePorts: false }).localhostNodePorts, false)
  assert.equal(plan({ nodePortAddresses: ['172.18.0.0/24'] }).localhostNodePorts, false)
  const listed = { nodePortAddresses: ['127.0.0.0/8', '::1/128'] }
  assert.deepEqual(plan(listed).nodePortAddresses, { kind: 'listed', addresses: ['127.0.0.1'] })
  assert.deepEqual(plan({ ...listed, localhostNodePorts: false }).nodePortAddresses, { kind: 'listed', addresses: [] })
  assert.deepEqual(plan(listed, 'IPv6').nodePortAddresses, { kind: 'listed', addresses: [] })
})
