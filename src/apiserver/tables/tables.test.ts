import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { KubeObject } from '#api'
import { createKinds } from '../kinds/index.ts'
import { ageSince, labelText, renderTable, shortDuration, shortList } from './index.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const kinds = createKinds({ serviceCIDRs: ['10.96.0.0/16'] })
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-01-01T00:55:00Z' }

describe('shortDuration (util/duration)', () => {
  const second = 1000
  const minute = 60 * second
  const hour = 60 * minute
  const day = 24 * hour
  const rows: readonly (readonly [number, string])[] = [
    [-5 * second, '<invalid>'],
    [-1 * second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [2 * minute + 5 * second, '2m5s'],
    [9 * minute + 59 * second, '9m59s'],
    [10 * minute + 5 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 20 * minute, '7h20m'],
    [8 * hour + 20 * minute, '8h'],
    [47 * hour, '47h'],
    [48 * hour, '2d'],
    [7 * day + 5 * hour, '7d5h'],
    [8 * day + 5 * hour, '8d'],
    [729 * day, '729d'],
    [2 * 365 * day, '2y'],
    [3 * 365 * day + 4 * day, '3y4d'],
    [9 * 365 * day, '9y'],
  ]
  for (const [milliseconds, text] of rows) it(text, () => assert.equal(shortDuration(milliseconds), text))
})

describe('cells', () => {
  it('age', () => {
    assert.equal(ageSince('2026-01-01T00:55:00Z', NOW), '5m')
    assert.equal(ageSince(undefined, NOW), '<unknown>')
    assert.equal(ageSince('nonsense', NOW), '<unknown>')
  })

  it('short lists and labels', () => {
    assert.equal(shortList([], '<unset>'), '<unset>')
    assert.equal(shortList(['a', 'b', 'c'], ''), 'a,b,c')
    assert.equal(shortList(['a', 'b', 'c', 'd', 'e'], ''), 'a,b,c + 2 more...')
    assert.equal(labelText({ b: '2', a: '1' }), 'a=1,b=2')
    assert.equal(labelText(undefined), '<none>')
  })
})

function cellsOf(resource: string, object: object): readonly unknown[] {
  const kind = kinds.find(({ info }) => info.resource === resource)
  assert.ok(kind !== undefined)
  return kind.table.cells({ metadata, ...object } as KubeObject, NOW)
}

describe('rows of each kind (api-server.md 6)', () => {
  const svc = (spec: object, status: object = {}): object => ({ spec: { type: 'ClusterIP', ...spec }, status })
  const ingress = (...list: object[]): object => ({ loadBalancer: { ingress: list } })
  const pod = (status: object, spec: object = {}, meta: object = {}): object => ({
    metadata: { ...metadata, ...meta },
    spec: { containers: [{ name: 'c' }], ...spec },
    status,
  })
  const running = { name: 'c', ready: true, restartCount: 0, state: { running: {} } }
  const rows: readonly (readonly [string, string, object, readonly unknown[]])[] = [
    [
      'Service',
      'services',
      svc({
        clusterIPs: ['10.96.0.9'],
        ports: [
          { port: 80, protocol: 'TCP' },
          { port: 81, nodePort: 30081, protocol: 'UDP' },
        ],
        selector: { a: 'b' },
      }),
      ['x', 'ClusterIP', '10.96.0.9', '<none>', '80/TCP,81:30081/UDP', '5m', 'a=b'],
    ],
    [
      'Service: external IPs',
      'services',
      svc({ externalIPs: ['192.0.2.1', '192.0.2.2'] }),
      ['x', 'ClusterIP', '<none>', '192.0.2.1,192.0.2.2', '<none>', '5m', '<none>'],
    ],
    [
      'Service: pending',
      'services',
      svc({ type: 'LoadBalancer' }),
      ['x', 'LoadBalancer', '<none>', '<pending>', '<none>', '5m', '<none>'],
    ],
    [
      'Service: balanced',
      'services',
      svc({ type: 'LoadBalancer', externalIPs: ['192.0.2.9'] }, ingress({ ip: '192.0.2.1' }, { hostname: 'h' })),
      ['x', 'LoadBalancer', '<none>', '192.0.2.1,h,192.0.2.9', '<none>', '5m', '<none>'],
    ],
    [
      'Service: name',
      'services',
      svc({ type: 'ExternalName', externalName: 'a.b' }),
      ['x', 'ExternalName', '<none>', 'a.b', '<none>', '5m', '<none>'],
    ],
    [
      'EndpointSlice',
      'endpointslices',
      {
        addressType: 'IPv4',
        ports: [{ port: 80 }, { name: 'any' }],
        endpoints: ['1', '2', '3', '4'].map((n) => ({ addresses: [`10.0.0.${n}`] })),
      },
      ['x', 'IPv4', '80,any', '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...', '5m'],
    ],
    [
      'EndpointSlice: empty',
      'endpointslices',
      { addressType: 'IPv6', ports: null, endpoints: null },
      ['x', 'IPv6', '<unset>', '<unset>', '5m'],
    ],
    [
      'Endpoints',
      'endpoints',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }] }] },
      ['x', '10.0.0.1:80,[fd00::1]:80', '5m'],
    ],
    ['Endpoints: none', 'endpoints', {}, ['x', '<none>', '5m']],
    ['Namespace', 'namespaces', { status: { phase: 'Active' } }, ['x', 'Active', '5m']],
    ['ConfigMap', 'configmaps', { data: { a: '' }, binaryData: { b: '' } }, ['x', 2, '5m']],
    ['Secret', 'secrets', { type: 'Opaque', data: { a: '' } }, ['x', 'Opaque', 1, '5m']],
    ['ServiceAccount', 'serviceaccounts', {}, ['x', '5m']],
    ['Lease', 'leases', { spec: { holderIdentity: 'me' } }, ['x', 'me', '5m']],
    [
      'Node',
      'nodes',
      {
        metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '172.18.0.11' }],
          nodeInfo: { kubeletVersion: 'v1' },
        },
      },
      [
        'x',
        'Ready,SchedulingDisabled',
        'control-plane',
        '5m',
        'v1',
        '172.18.0.11',
        '<none>',
        '<unknown>',
        '<unknown>',
        '<unknown>',
      ],
    ],
    [
      'Node: silent',
      'nodes',
      {},
      ['x', 'Unknown', '<none>', '5m', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
    ],
    [
      'Pod: running',
      'pods',
      pod({ phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [running] }, { nodeName: 'n' }),
      ['x', '1/1', 'Running', '0', '5m', '10.0.0.1', 'n', '<none>', '<none>'],
    ],
    [
      'Pod: crashing',
      'pods',
      pod({
        phase: 'Running',
        containerStatuses: [
          {
            ...running,
            ready: false,
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:58:00Z' } },
          },
        ],
      }),
      ['x', '0/1', 'CrashLoopBackOff', '3 (2m ago)', '5m', '<none>', '<none>', '<none>', '<none>'],
    ],
    [
      'Pod: done',
      'pods',
      pod({
        phase: 'Succeeded',
        containerStatuses: [
          { name: 'c', ready: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
        ],
      }),
      ['x', '0/1', 'Completed', '0', '5m', '<none>', '<none>', '<none>', '<none>'],
    ],
    [
      'Pod: initializing',
      'pods',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'i', ready: false, restartCount: 0, state: { running: {} } }],
        },
        { initContainers: [{ name: 'i' }] },
      ),
      ['x', '0/1', 'Init:0/1', '0', '5m', '<none>', '<none>', '<none>', '<none>'],
    ],
    [
      'Pod: ending',
      'pods',
      pod({ phase: 'Running' }, {}, { deletionTimestamp: '2026-01-01T00:59:00Z' }),
      ['x', '0/1', 'Terminating', '0', '5m', '<none>', '<none>', '<none>', '<none>'],
    ],
    [
      'Pod: gates',
      'pods',
      pod(
        { phase: 'Running', conditions: [{ type: 'g', status: 'True' }] },
        { readinessGates: [{ conditionType: 'g' }, { conditionType: 'h' }] },
      ),
      ['x', '0/1', 'Running', '0', '5m', '<none>', '<none>', '<none>', '1/2'],
    ],
    [
      'Event',
      'events',
      {
        involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec' },
        type: 'Normal',
        reason: 'R',
        message: ' m ',
        source: { component: 'c', host: 'h' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:59:00Z',
        count: 2,
      },
      ['60s', 'Normal', 'R', 'pod/p', 'spec', 'c, h', 'm', '60m', 2, 'x'],
    ],
    [
      'Event: new style',
      'events',
      { involvedObject: { kind: 'Node' }, eventTime: '2026-01-01T00:59:00.000000Z', reportingComponent: 'kube-proxy' },
      ['60s', '', '', 'node', '', 'kube-proxy', '', '60s', 1, 'x'],
    ],
  ]
  for (const [name, resource, object, expected] of rows) {
    it(name, () => assert.deepEqual(cellsOf(resource, object), expected))
  }

  it('every kind has as many cells as columns, also for a bookmark', () => {
    for (const kind of kinds) {
      const cells = kind.table.cells({ metadata: { resourceVersion: '5' } } as unknown as KubeObject, NOW)
      assert.equal(cells.length, kind.table.columns.length, kind.info.kind)
      assert.ok(kind.table.columns.every(({ description }) => description !== ''))
    }
  })
})

describe('renderTable', () => {
  const [kind] = kinds
  assert.ok(kind !== undefined)
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }
  const options = {
    includeObject: 'Metadata',
    now: NOW,
    listMeta: { resourceVersion: '7' },
    withColumns: true,
  } as const

  it('rows carry metadata, the object, or nothing', () => {
    assert.deepEqual(renderTable(kind, [object], options).rows[0]?.object, {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'x' },
    })
    assert.deepEqual(renderTable(kind, [object], { ...options, includeObject: 'Object' }).rows[0]?.object, object)
    assert.equal('object' in (renderTable(kind, [object], { ...options, includeObject: 'None' }).rows[0] ?? {}), false)
  })

  it('columns come once, with the name column marked', () => {
    const table = renderTable(kind, [], options)
    assert.deepEqual(
      table.columnDefinitions?.map(({ name, format }) => [name, format]),
      [
        ['Name', 'name'],
        ['Status', ''],
        ['Age', ''],
      ],
    )
    assert.deepEqual(table.metadata, { resourceVersion: '7' })
    assert.equal(renderTable(kind, [], { ...options, withColumns: false }).columnDefinitions, null)
  })
})
