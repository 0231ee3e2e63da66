import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterChange, EndpointSlice, KubeObject, Node, ResourceInfo, Service } from '#api'
import { ENDPOINTSLICES, LABEL_HEADLESS, LABEL_SERVICE_PROXY_NAME, NODES, SERVICES } from '#api'
import type { Logger } from '#lib'
import { silentLogger, systemClock } from '#lib'
import { createFakeApi } from './fake/create-fake-api.ts'
import { watchCluster } from './watch-cluster.ts'

function service(name: string, labels: Readonly<Record<string, string>> = {}, clusterIP = '10.96.0.1'): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: 'default',
      labels,
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      managedFields: [{ manager: 'kubectl' }],
    },
    spec: { clusterIP, ports: [{ port: 80 }] },
  }
}

function slice(name: string, owner: string | undefined, address = '10.0.0.1'): EndpointSlice {
  const labels: Record<string, string> = owner === undefined ? {} : { 'kubernetes.io/service-name': owner }
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address] }],
  }
}

function node(name: string, zone: string, heartbeat = '1'): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
    status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: heartbeat }] },
  }
}

async function setUp(objects: readonly (readonly [ResourceInfo, KubeObject])[] = []) {
  const api = createFakeApi({ clock: systemClock })
  for (const [resource, object] of objects) await api.client.create(resource, object)
  const abort = new AbortController()
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) }
  const changes = watchCluster({
    client: api.client,
    nodeName: 'node-1',
    clock: systemClock,
    logger,
    signal: abort.signal,
  })
  const next = async (): Promise<ClusterChange> => {
    const result = await changes.next()
    assert.ok(result.done !== true)
    return result.value
  }
  return { client: api.client, next, changes, abort, warnings }
}

/** Lets the watches deliver what was written. */
const settle = (): Promise<void> => systemClock.sleep(5)

test('IN-5: nothing before all are synced, then one full step with everything', async () => {
  const { next, abort, changes } = await setUp([
    [SERVICES, service('web')],
    [ENDPOINTSLICES, slice('web-1', 'web')],
    [NODES, node('node-1', 'a')],
    [NODES, node('node-2', 'b')],
  ])
  const first = await next()
  assert.equal(first.full, true)
  assert.deepEqual([...first.state.services.keys()], ['default/web'])
  assert.deepEqual(
    first.state.slicesOf('default/web').map((item) => item.metadata.name),
    ['web-1'],
  )
  assert.equal(first.state.node('node-1')?.metadata.labels?.['topology.kubernetes.io/zone'], 'a')
  assert.equal(first.state.node('node-2'), undefined)
  const kept = first.state.services.get('default/web')?.metadata
  assert.equal(kept?.managedFields, undefined)
  assert.equal(kept?.annotations, undefined)
  const pending = changes.next()
  abort.abort()
  assert.equal((await pending).done, true)
})

test('IN-1..3: headless, proxy-name and headless slices are out; the label moves a service in and out', async () => {
  const { next, client, abort } = await setUp([
    [SERVICES, service('none', {}, 'None')],
    [SERVICES, service('other', { [LABEL_SERVICE_PROXY_NAME]: '' })],
    [SERVICES, service('web')],
    [ENDPOINTSLICES, { ...slice('h', 'web'), metadata: { name: 'h', labels: { [LABEL_HEADLESS]: '' } } }],
  ])
  const { state } = await next()
  assert.deepEqual([...state.services.keys()], ['default/web'])
  assert.deepEqual(state.slicesOf('default/web'), [])
  await client.update(SERVICES, service('web', { [LABEL_SERVICE_PROXY_NAME]: 'mine' }))
  await client.update(SERVICES, service('other'))
  await settle()
  const change = await next()
  assert.deepEqual([...change.dirty].sort(), ['default/other', 'default/web'])
  assert.deepEqual([...state.services.keys()], ['default/other'])
  assert.equal(change.full, false)
  abort.abort()
})

test('IN-20: changes gather while the consumer is busy; bookkeeping is no change (IN-30)', async () => {
  const { next, client, changes, abort } = await setUp([
    [SERVICES, service('a')],
    [SERVICES, service('b')],
  ])
  await next()
  const update = async (name: string, labels: Readonly<Record<string, string>>): Promise<void> => {
    await client.update(SERVICES, service(name, labels))
  }
  await update('a', { x: '1' })
  await update('a', { x: '2' })
  await client.update(SERVICES, {
    ...service('b'),
    metadata: { ...service('b').metadata, managedFields: [{ manager: 'other' }] },
  })
  await settle()
  const change = await next()
  assert.deepEqual([...change.dirty], ['default/a'])
  assert.equal(change.state.services.get('default/a')?.metadata.labels?.['x'], '2')
  const idle = changes.next()
  await update('b', { x: '1' })
  const woken = await idle
  assert.deepEqual([...(woken.value as ClusterChange).dirty], ['default/b'])
  abort.abort()
})

test('IN-22, IN-23: slices belong by label, unknown services too; a slice without a service is said and ignored', async () => {
  const { next, client, warnings, abort } = await setUp([[ENDPOINTSLICES, slice('early', 'later')]])
  const { state } = await next()
  await client.create(ENDPOINTSLICES, slice('orphan', undefined))
  await client.create(ENDPOINTSLICES, slice('empty', ''))
  await client.create(SERVICES, service('later'))
  await settle()
  assert.deepEqual([...(await next()).dirty], ['default/later'])
  assert.equal(state.slicesOf('default/later').length, 1)
  assert.equal(warnings.length, 2)
  abort.abort()
})

test('IN-31: a relabelled slice leaves its old service and dirties both', async () => {
  const { next, client, abort } = await setUp([
    [ENDPOINTSLICES, slice('s', 'a')],
    [ENDPOINTSLICES, slice('r', 'a')],
  ])
  const { state } = await next()
  const names = (owner: string): readonly string[] => state.slicesOf(owner).map((item) => item.metadata.name)
  assert.deepEqual(names('default/a'), ['r', 's'])
  assert.equal(state.slicesOf('default/a'), state.slicesOf('default/a'), 'the same array until it changes')
  await client.update(ENDPOINTSLICES, slice('s', 'b'))
  await settle()
  assert.deepEqual([...(await next()).dirty].sort(), ['default/a', 'default/b'])
  assert.deepEqual([names('default/a'), names('default/b')], [['r'], ['s']])
  await client.update(ENDPOINTSLICES, slice('s', undefined))
  await client.delete(ENDPOINTSLICES, { name: 'r' })
  await settle()
  assert.deepEqual([...(await next()).dirty].sort(), ['default/a', 'default/b'])
  assert.deepEqual([names('default/a'), names('default/b')], [[], []])
  abort.abort()
})

test('IN-35: labels of this node make everything new; heartbeats and other nodes do nothing', async () => {
  const { next, client, changes, abort } = await setUp([[NODES, node('node-1', 'a')]])
  await next()
  await client.update(NODES, node('node-1', 'a', '2'))
  await client.create(NODES, node('node-2', 'a'))
  await settle()
  const pending = changes.next()
  await settle()
  await client.update(NODES, node('node-1', 'b'))
  const change = (await pending).value as ClusterChange
  assert.deepEqual([change.full, change.dirty.size], [true, 0])
  assert.equal(change.state.node('node-1')?.metadata.labels?.['topology.kubernetes.io/zone'], 'b')
  const tainted = node('node-1', 'b')
  await client.update(NODES, { ...tainted, spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } })
  assert.equal((await next()).full, false)
  await client.delete(NODES, { name: 'node-1' })
  await settle()
  assert.equal((await next()).full, true)
  abort.abort()
})
