import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { EndpointSlice, Node, Pod, Service } from '#api'
import { clusterStateOf } from '#api'
import { hasCode } from '#lib'

import type { AskedQuestion } from './resolve-question.ts'
import { resolveQuestion } from './resolve-question.ts'

const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec,
})
const pod = (name: string, ip: string, nodeName: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { nodeName, containers: [] },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
})
const node = (name: string, address: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { addresses: [{ type: 'InternalIP', address }] },
})
const slice: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.244.1.2'] }],
}
const nodes = [node('n2', '172.18.0.12'), node('n1', '172.18.0.11')]
const state = clusterStateOf({
  services: [
    service('web', {
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9', 'fd00:10:96::9'],
      ports: [
        { name: 'http', port: 80, nodePort: 30080 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
    service('headless', { clusterIP: 'None', ports: [{ port: 80 }] }),
    service('alias', { type: 'ExternalName', externalName: 'example.org' }),
  ],
  slices: [slice],
  nodes,
})
const objects = { state, nodes, pods: [pod('backend', '10.244.1.2', 'n1'), pod('client', '10.244.2.7', 'n2')] }
const ask = (asked: Partial<AskedQuestion>) => resolveQuestion({ namespace: 'default', ...asked }, objects)

test('a Service by name: its first port and address, from a pod that is no endpoint of it, by that pod’s node', () => {
  assert.deepEqual(ask({ service: 'web' }), {
    family: 'IPv4',
    protocol: 'TCP',
    destination: { address: '10.96.0.9', port: 80 },
    services: ['default/web'],
    source: { kind: 'pod', name: 'default/client', address: '10.244.2.7' },
    node: 'n2',
  })
})

test('port by name or number, family, and who asks', () => {
  assert.deepEqual(ask({ service: 'web', port: 'dns' }).protocol, 'UDP')
  assert.deepEqual(ask({ service: 'web', port: '53' }).destination.port, 53)
  assert.equal(ask({ service: 'web', family: 'IPv6', from: 'outside' }).destination.address, 'fd00:10:96::9')
  assert.deepEqual(ask({ service: 'web', from: 'node', node: 'n1' }).source, { kind: 'node', name: 'n1' })
  assert.equal(ask({ service: 'web', from: '10.244.1.2' }).source.name, 'default/backend')
  assert.deepEqual(ask({ service: 'web', from: '172.18.0.12' }).source, {
    kind: 'node',
    name: 'n2',
    address: '172.18.0.12',
  })
  assert.deepEqual(ask({ service: 'web', from: '203.0.113.9' }).source, { kind: 'address', address: '203.0.113.9' })
})

test('--to: a node’s address is asked of that node; node ports and service addresses find their Services', () => {
  const { node: where, services, protocol } = ask({ to: '172.18.0.12:30080/tcp', from: 'outside' })
  assert.deepEqual([where, services, protocol], ['n2', ['default/web'], 'TCP'])
  assert.deepEqual(ask({ to: '[fd00:10:96::9]:53/UDP', from: 'outside' }).services, ['default/web'])
  assert.deepEqual(ask({ to: '10.9.9.9:1', from: 'outside' }).services, [])
})

const refused: readonly (readonly [string, Partial<AskedQuestion>, `SBX_${string}`, RegExp])[] = [
  ['no such Service', { service: 'nope' }, 'SBX_EXPLAIN_NOT_FOUND', /no Service default\/nope/],
  ['no such pod', { service: 'web', from: 'nobody' }, 'SBX_EXPLAIN_NOT_FOUND', /no Pod default\/nobody/],
  ['no such node', { service: 'web', node: 'n9' }, 'SBX_EXPLAIN_NOT_FOUND', /no Node n9/],
  ['no such port', { service: 'web', port: '81' }, 'SBX_EXPLAIN_NO_PORT', /http 80, dns 53/],
  ['headless', { service: 'headless' }, 'SBX_EXPLAIN_NO_ADDRESS', /is headless/],
  ['ExternalName', { service: 'alias' }, 'SBX_EXPLAIN_NO_ADDRESS', /alias of example\.org/],
  ['no address', { to: 'web:80' }, 'SBX_CLI_USAGE', /--to takes/],
  ['port out of range', { to: '10.0.0.1:70000' }, 'SBX_CLI_USAGE', /--to takes/],
  ['families that differ', { service: 'web', from: 'fd00::1' }, 'SBX_CLI_USAGE', /different IP families/],
]
for (const [name, asked, code, message] of refused) {
  test(`${name} is a named error`, () => {
    assert.throws(
      () => ask(asked),
      (error: Error) => hasCode(error, code) && message.test(error.message),
    )
  })
}
