import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import type { Event, IPAddress, Service, ServiceCIDR } from '#api'
import { EVENTS, EVENTS_V1, IPADDRESSES, SERVICECIDRS, SERVICES } from '#api'
import { silentLogger } from '#lib'
import { Refused } from '../status/index.ts'
import { memoryDatabase, realRegistry, reopened } from '../testing/index.ts'
import type { RealRegistry } from '../testing/index.ts'
import { keepAddresses } from './keep-addresses.ts'

const service = (name: string, spec: object = {}): object => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
})
const range = (name: string, ...cidrs: string[]): object => ({ metadata: { name }, spec: { cidrs } })
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turn()
}

async function withRepair(body: (cluster: RealRegistry) => Promise<void>): Promise<void> {
  const cluster = await realRegistry()
  const stop = keepAddresses(cluster.registry, cluster.services, silentLogger)
  try {
    await body(cluster)
  } finally {
    stop()
  }
}

function reasons(cluster: RealRegistry): readonly string[] {
  return (cluster.registry.reader.list(EVENTS) as readonly Event[]).map(({ reason }) => reason ?? '')
}

describe('addresses of Services are objects (KEP-1880)', () => {
  it('written and removed in one commit with their Service', async () => {
    const cluster = await realRegistry()
    const made = await cluster.create<Service>(SERVICES, service('web', { ipFamilyPolicy: 'RequireDualStack' }))
    const revision = Number(made.metadata.resourceVersion)
    assert.deepEqual([...cluster.names(IPADDRESSES)].sort(), [...(made.spec.clusterIPs ?? [])].sort())
    for (const name of made.spec.clusterIPs ?? []) {
      const address = cluster.get<IPAddress>(IPADDRESSES, { name })
      assert.deepEqual(address?.spec?.parentRef, { group: '', resource: 'services', namespace: 'default', name: 'web' })
      assert.equal(
        address?.metadata.labels?.['ipaddress.kubernetes.io/ip-family'],
        name.includes(':') ? 'IPv6' : 'IPv4',
      )
    }
    assert.equal(cluster.registry.store.revision, revision + 2)
    await cluster.remove(SERVICES, { name: 'web' })
    assert.deepEqual(cluster.names(IPADDRESSES), [])
  })

  it('given up when the Service gives them up', async () => {
    const cluster = await realRegistry()
    const dual = await cluster.create<Service>(SERVICES, service('web', { ipFamilyPolicy: 'RequireDualStack' }))
    await cluster.update<Service>(SERVICES, { ...dual, spec: { ...dual.spec, ipFamilyPolicy: 'SingleStack' } })
    assert.deepEqual(cluster.names(IPADDRESSES), [dual.spec.clusterIP])
  })

  it('an address kept by another object is not given to a Service', async () => {
    const cluster = await realRegistry()
    const gateway = { group: 'gateway.networking.k8s.io', resource: 'gateways', namespace: 'default', name: 'g' }
    await cluster.create(IPADDRESSES, { metadata: { name: '10.96.0.77' }, spec: { parentRef: gateway } })
    const taken = cluster.create(SERVICES, service('web', { clusterIP: '10.96.0.77' }))
    await assert.rejects(taken, (error) => error instanceof Refused && /already allocated/.test(error.message))
    await cluster.remove(IPADDRESSES, { name: '10.96.0.77' })
    const made = await cluster.create<Service>(SERVICES, service('web', { clusterIP: '10.96.0.77' }))
    assert.equal(made.spec.clusterIP, '10.96.0.77')
  })

  it('a Service address cannot be claimed by another object', async () => {
    const cluster = await realRegistry()
    const stop = keepAddresses(cluster.registry, cluster.services, silentLogger)
    await cluster.create(SERVICES, service('web', { clusterIP: '10.96.0.78' }))
    stop()
    await cluster.remove(IPADDRESSES, { name: '10.96.0.78' })
    const parentRef = { resource: 'gateways', name: 'g' }
    const claim = cluster.create(IPADDRESSES, { metadata: { name: '10.96.0.78' }, spec: { parentRef } })
    await assert.rejects(claim, Refused)
  })
})

describe('keepAddresses (ipallocator/controller/repairip.go)', () => {
  it('writes a missing address again, and says so', () =>
    withRepair(async (cluster) => {
      await cluster.create(SERVICES, service('web', { clusterIP: '10.96.0.5' }))
      await cluster.remove(IPADDRESSES, { name: '10.96.0.5' })
      await settled()
      assert.deepEqual(cluster.names(IPADDRESSES), ['10.96.0.5'])
      assert.deepEqual(reasons(cluster), ['ClusterIPNotAllocated'])
    }))

  it('removes an address whose Service does not have it', () =>
    withRepair(async (cluster) => {
      const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }
      const parentRef = { resource: 'services', namespace: 'default', name: 'gone' }
      await cluster.create(IPADDRESSES, { metadata: { name: '10.96.0.6', labels }, spec: { parentRef } })
      await settled()
      assert.deepEqual(cluster.names(IPADDRESSES), [])
      assert.deepEqual(reasons(cluster), ['IPAddressNotAllocated'])
      const made = await cluster.create<Service>(SERVICES, service('web', { clusterIP: '10.96.0.6' }))
      assert.equal(made.spec.clusterIP, '10.96.0.6')
    }))

  it('leaves addresses alone that are not its own', () =>
    withRepair(async (cluster) => {
      const parentRef = { resource: 'services', namespace: 'default', name: 'gone' }
      await cluster.create(IPADDRESSES, { metadata: { name: '10.96.0.6' }, spec: { parentRef } })
      await settled()
      assert.deepEqual(cluster.names(IPADDRESSES), ['10.96.0.6'])
    }))

  it('at start: Services without addresses, two Services with one, and one outside every range', async () => {
    const database = memoryDatabase()
    const before = await realRegistry({ database })
    const made = await before.create<Service>(SERVICES, service('a', { clusterIP: '10.96.0.9' }))
    const twin = { ...made, metadata: { ...made.metadata, name: 'b', uid: 'other' } }
    const outside = {
      ...made,
      metadata: { ...made.metadata, name: 'c', uid: 'outside' },
      spec: { ...made.spec, clusterIP: '10.1.1.1', clusterIPs: ['10.1.1.1'] },
    }
    const stored = before.registry.store.stage([
      { resource: 'services', key: 'default/b', object: twin, expect: 0 },
      { resource: 'services', key: 'default/c', object: outside, expect: 0 },
    ])
    assert.ok(!('conflict' in stored))
    await stored.committed
    const cluster = await realRegistry({ database: reopened(database) })
    assert.deepEqual(cluster.collisions, ['default/b 10.96.0.9 taken', 'default/c 10.1.1.1 out-of-range'])
    const stop = keepAddresses(cluster.registry, cluster.services, silentLogger)
    await settled()
    stop()
    assert.deepEqual([...reasons(cluster)].sort(), [
      'ClusterIPAlreadyAllocated',
      'ClusterIPNotAllocated',
      'ClusterIPOutOfRange',
    ])
    assert.equal(cluster.get<IPAddress>(IPADDRESSES, { name: '10.96.0.9' })?.spec?.parentRef?.name, 'a')
  })
})

describe('ServiceCIDR (KEP-1880)', () => {
  it('is used from its commit on, ready, and held by its finalizer', () =>
    withRepair(async (cluster) => {
      const early = cluster.create(SERVICES, service('early', { clusterIP: '10.97.0.9' }))
      await assert.rejects(
        early,
        (error) => error instanceof Refused && /does not match the current range/.test(error.message),
      )
      const made = await cluster.create<ServiceCIDR>(SERVICECIDRS, range('extra', '10.97.0.0/24'))
      assert.deepEqual(made.metadata.finalizers, ['networking.k8s.io/service-cidr-finalizer'])
      assert.equal(made.status?.conditions?.[0]?.status, 'True')
      await cluster.create(SERVICES, service('late', { clusterIP: '10.97.0.9' }))
    }))

  it('goes when its last address goes; until then nothing new is taken from it', () =>
    withRepair(async (cluster) => {
      await cluster.create(SERVICECIDRS, range('extra', '10.97.0.0/24'))
      await cluster.create(SERVICES, service('web', { clusterIP: '10.97.0.9' }))
      await cluster.remove(SERVICECIDRS, { name: 'extra' })
      await settled()
      const going = cluster.get<ServiceCIDR>(SERVICECIDRS, { name: 'extra' })
      assert.equal(going?.status?.conditions?.[0]?.reason, 'Terminating')
      await assert.rejects(cluster.create(SERVICES, service('late', { clusterIP: '10.97.0.10' })), Refused)
      await cluster.remove(SERVICES, { name: 'web' })
      await settled()
      assert.equal(cluster.get(SERVICECIDRS, { name: 'extra' }), undefined)
    }))

  it('goes at once when another range has its addresses too', () =>
    withRepair(async (cluster) => {
      await cluster.create(SERVICECIDRS, range('wide', '10.97.0.0/16'))
      await cluster.create(SERVICECIDRS, range('narrow', '10.97.0.0/24'))
      await cluster.create(SERVICES, service('web', { clusterIP: '10.97.0.9' }))
      await cluster.remove(SERVICECIDRS, { name: 'narrow' })
      await settled()
      assert.equal(cluster.get(SERVICECIDRS, { name: 'narrow' }), undefined)
      await cluster.remove(SERVICECIDRS, { name: 'wide' })
      await settled()
      assert.ok(cluster.get(SERVICECIDRS, { name: 'wide' }) !== undefined)
    }))

  it('survives a restart', async () => {
    const database = memoryDatabase()
    const before = await realRegistry({ database })
    await before.create(SERVICECIDRS, range('extra', '10.97.0.0/24'))
    const cluster = await realRegistry({ database: reopened(database) })
    await cluster.create(SERVICES, service('web', { clusterIP: '10.97.0.9' }))
  })
})

describe('events of both APIs are one object (api-server.md 14.5)', () => {
  const old = {
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
    reason: 'R',
    message: 'm',
    type: 'Normal',
    count: 3,
    source: { component: 'c' },
    reportingComponent: 'a.io/b',
  }
  it('written through the older, read through the newer', async () => {
    const cluster = await realRegistry()
    const made = await cluster.create<Event>(EVENTS, old)
    const seen = cluster.get(EVENTS_V1, { name: 'e' }) as unknown as Record<string, unknown>
    assert.deepEqual(
      [
        seen['apiVersion'],
        seen['regarding'],
        seen['note'],
        seen['deprecatedCount'],
        seen['deprecatedSource'],
        seen['reportingController'],
      ],
      ['events.k8s.io/v1', old.involvedObject, 'm', 3, { component: 'c' }, 'a.io/b'],
    )
    assert.deepEqual(seen['metadata'], made.metadata)
    assert.ok(!('involvedObject' in seen) && !('message' in seen))
  })

  it('written through the newer, read through the older, deleted through either', async () => {
    const cluster = await realRegistry()
    const event = {
      metadata: { name: 'n' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
      reportingController: 'a.io/b',
      reportingInstance: 'i',
      action: 'Act',
      reason: 'R',
      note: 'hello',
      type: 'Warning',
    }
    const made = await cluster.create(EVENTS_V1, event)
    assert.equal(made.apiVersion, 'events.k8s.io/v1')
    const seen = cluster.get<Event>(EVENTS, { name: 'n' })
    assert.deepEqual([seen?.apiVersion, seen?.message, seen?.involvedObject.name], ['v1', 'hello', 'p'])
    assert.equal(seen?.metadata.resourceVersion, made.metadata.resourceVersion)
    const series = { count: 2, lastObservedTime: '2026-01-01T00:01:00.000000Z' }
    const grown = await cluster.update(EVENTS_V1, { ...made, series } as typeof made)
    assert.deepEqual((grown as unknown as { series: unknown }).series, series)
    await cluster.remove(EVENTS_V1, { name: 'n' })
    assert.equal(cluster.get(EVENTS, { name: 'n' }), undefined)
  })
})
