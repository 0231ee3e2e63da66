/**
 * The loops of src/controllers against two API servers: the fake in memory, which can be made to misbehave, and the
 * embedded one over TLS. What holds for one must hold for the other.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import type { Endpoints, EndpointSlice, KubeObject, Lease, Namespace, Node, Pod, ResourceInfo, Service } from '#api'
import { CONFIGMAPS, ENDPOINTS, ENDPOINTSLICES, LEASES, NAMESPACES, NODES, PODS, SERVICEACCOUNTS, SERVICES } from '#api'
import type { ApiClient, FakeApi } from '#watch'
import type { Clock, Logger } from '#lib'
import { runApiServer } from '#apiserver'
import { runControllers } from '#controllers'
import { hasCode, silentLogger, systemClock } from '#lib'
import { connectApi, createFakeApi } from '#watch'

type Server = {
  readonly client: ApiClient
  /** The controllers' own, with no more rights than they need. */
  readonly controllers: ApiClient
  readonly fake?: FakeApi
  readonly stop: () => Promise<void>
}
type MakeServer = () => Promise<Server>

async function fakeServer(): Promise<Server> {
  const fake = createFakeApi({ clock: systemClock })
  for (const name of ['default', 'kube-node-lease']) {
    await fake.client.create<Namespace>(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  return { client: fake.client, controllers: fake.client, fake, stop: async () => undefined }
}

async function embeddedServer(): Promise<Server> {
  const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-controllers-'))
  const server = await runApiServer({
    stateDir,
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { addresses: ['172.18.0.10', 'fd00:172:18::10'], port: 6443 },
    serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    clock: systemClock,
    logger: silentLogger,
  })
  const stopped = new AbortController()
  const clientOf = async (user: { name: string; groups: readonly string[] }): Promise<ApiClient> => {
    const { certificate, key } = await server.issueClientCertificate(user)
    return connectApi(
      {
        server: server.url,
        ca: server.caCertificate,
        clientCertificate: certificate,
        clientKey: key,
        namespace: 'default',
      },
      { clock: systemClock, signal: stopped.signal },
    )
  }
  return {
    client: await clientOf({ name: 'admin', groups: ['system:masters'] }),
    controllers: await clientOf({ name: 'system:kube-controller-manager', groups: ['system:controllers'] }),
    stop: async () => {
      stopped.abort()
      await server.close()
      rmSync(stateDir, { recursive: true })
    },
  }
}

type Rig = Server & {
  /** Lets time pass for the controllers: timers of more than five seconds run when it is their turn. */
  readonly pass: (milliseconds: number) => void
  readonly warnings: string[]
}

/** Runs the controllers around `body`; short delays are cut to a twentieth, long ones wait for `pass`. */
async function withControllers(makeServer: MakeServer, body: (rig: Rig) => Promise<void>): Promise<void> {
  const server = await makeServer()
  const abort = new AbortController()
  let offset = 0
  const timers = new Set<{ at: number; task: () => void }>()
  const clock: Clock = {
    now: () => systemClock.now() + offset,
    monotonic: () => systemClock.monotonic() + offset,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / 20, signal),
    after: (milliseconds, task) => {
      if (milliseconds < 5000) return systemClock.after(milliseconds / 20, task)
      const timer = { at: clock.monotonic() + milliseconds, task }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }
  const warnings: string[] = []
  const say = (message: string, fields: object = {}): void => void warnings.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { ...silentLogger, warn: say, error: say }
  const running = runControllers({
    client: server.controllers,
    clock,
    logger,
    signal: abort.signal,
    random: () => 0.5,
  })
  const pass = (milliseconds: number): void => {
    offset += milliseconds
    for (const timer of timers) {
      if (timer.at > clock.monotonic()) continue
      timers.delete(timer)
      timer.task()
    }
  }
  try {
    await body({ ...server, pass, warnings })
  } finally {
    abort.abort()
    await running
    await server.stop()
  }
}

function service(name: string, spec: object = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 9376 }], ...spec },
  }
}

async function createNode(client: ApiClient, name: string): Promise<Node> {
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'topology.kubernetes.io/zone': `zone-${name}` } },
    status: {
      addresses: [{ type: 'InternalIP', address: '172.18.0.11' }],
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' }],
    },
  }
  await client.create(NODES, node)
  return client.updateStatus(NODES, node)
}

async function createPod(client: ApiClient, name: string, spec: object = {}): Promise<Pod> {
  return client.create<Pod>(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'echo' }], ...spec },
  })
}

async function runPod(client: ApiClient, name: string, ips: readonly string[]): Promise<Pod> {
  const pod = await eventually(`${name} assigned`, async () => {
    const found = await client.get<Pod>(PODS, { namespace: 'default', name })
    return found.spec.nodeName === undefined ? undefined : found
  })
  return setReady(client, { ...pod, status: { podIP: ips[0] ?? '', podIPs: ips.map((ip) => ({ ip })) } }, 'True')
}

function setReady(client: ApiClient, pod: Pod, status: 'True' | 'False'): Promise<Pod> {
  const condition = { type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:00Z' }
  const { resourceVersion: _any, ...metadata } = pod.metadata
  return client.updateStatus<Pod>(PODS, {
    ...pod,
    metadata,
    status: { ...pod.status, phase: 'Running', conditions: [condition] },
  })
}

/** The first value other than undefined; failures other than "not found" are failures. */
async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1000; tries += 1) {
    try {
      const value = await look()
      if (value !== undefined) return value
    } catch (error) {
      if (!hasCode(error, 'SBX_API_NOT_FOUND') && !hasCode(error, 'SBX_API_CONFLICT')) throw error
    }
    await systemClock.sleep(10)
  }
  throw new Error(`${what}: did not happen`)
}

async function slicesOf(client: ApiClient, name: string): Promise<readonly EndpointSlice[]> {
  const { items } = await client.list<EndpointSlice>(ENDPOINTSLICES, {
    namespace: 'default',
    labelSelector: `kubernetes.io/service-name=${name}`,
  })
  return items
}

/** `address ready|serving…` of all slices of one family, sorted. */
function endpointsText(slices: readonly EndpointSlice[], family = 'IPv4'): string {
  return slices
    .filter((slice) => slice.addressType === family)
    .flatMap((slice) => slice.endpoints ?? [])
    .map(({ addresses, conditions }) => `${addresses[0]}${conditions?.ready === true ? '' : '!'}`)
    .sort()
    .join(' ')
}

const expectEndpoints = (client: ApiClient, name: string, expected: string): Promise<readonly EndpointSlice[]> =>
  eventually(`endpoints of ${name} are ${expected}`, async () => {
    const slices = await slicesOf(client, name)
    return slices.length > 0 && endpointsText(slices) === expected ? slices : undefined
  })

async function gone(
  client: ApiClient,
  resource: ResourceInfo,
  at: { namespace?: string; name: string },
): Promise<true> {
  return eventually(`${resource.resource} ${at.name} gone`, async () => {
    try {
      await client.get<KubeObject>(resource, at)
      return undefined
    } catch (error) {
      if (hasCode(error, 'SBX_API_NOT_FOUND')) return true
      throw error
    }
  })
}

function testWithServer(makeServer: MakeServer): void {
  test('pods are spread over the nodes, and become endpoints of both families and of the old kind', () =>
    withControllers(makeServer, async ({ client, warnings }) => {
      await client.create(
        SERVICES,
        service('web', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] }),
      )
      await expectEndpoints(client, 'web', '')
      await createPod(client, 'p1')
      await eventually('refusal is written', async () => {
        const pod = await client.get<Pod>(PODS, { namespace: 'default', name: 'p1' })
        const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
        return condition?.message === 'no nodes available to schedule pods' ? true : undefined
      })
      await createNode(client, 'node-1')
      await createNode(client, 'node-2')
      for (const name of ['p2', 'p3', 'p4']) await createPod(client, name)
      const pods: Pod[] = []
      for (let i = 1; i <= 4; i += 1) pods.push(await runPod(client, `p${i}`, [`10.244.1.${i}`, `fd00:10:244:1::${i}`]))
      const perNode = Map.groupBy(pods, (pod) => pod.spec.nodeName)
      assert.deepEqual([perNode.get('node-1')?.length, perNode.get('node-2')?.length], [2, 2])
      const slices = await expectEndpoints(client, 'web', '10.244.1.1 10.244.1.2 10.244.1.3 10.244.1.4')
      assert.equal(slices.length, 2)
      await eventually('IPv6', async () =>
        endpointsText(await slicesOf(client, 'web'), 'IPv6').split(' ').length === 4 ? true : undefined,
      )
      await setReady(client, pods[0] as Pod, 'False')
      await expectEndpoints(client, 'web', '10.244.1.1! 10.244.1.2 10.244.1.3 10.244.1.4')
      await eventually('old endpoints', async () => {
        const { subsets } = await client.get<Endpoints>(ENDPOINTS, { namespace: 'default', name: 'web' })
        const [subset] = subsets ?? []
        return subset?.addresses?.length === 3 && subset.notReadyAddresses?.length === 1 ? true : undefined
      })
      await client.delete(PODS, { namespace: 'default', name: 'p2' }, { gracePeriodSeconds: 0 })
      await expectEndpoints(client, 'web', '10.244.1.1! 10.244.1.3 10.244.1.4')
      await client.delete(SERVICES, { namespace: 'default', name: 'web' })
      await gone(client, ENDPOINTS, { namespace: 'default', name: 'web' })
      assert.deepEqual(warnings, [])
    }))

  test('slices that somebody edits, relabels or deletes are made right again', () =>
    withControllers(makeServer, async ({ client }) => {
      await createNode(client, 'node-1')
      await client.create(SERVICES, service('web'))
      await createPod(client, 'p1')
      await runPod(client, 'p1', ['10.244.1.1'])
      const [slice] = await expectEndpoints(client, 'web', '10.244.1.1')
      assert.ok(slice !== undefined)
      const { resourceVersion: _any, ...metadata } = slice.metadata
      await client.update<EndpointSlice>(ENDPOINTSLICES, {
        ...slice,
        metadata,
        endpoints: [{ addresses: ['192.0.2.9'] }],
      })
      await expectEndpoints(client, 'web', '10.244.1.1')
      await client.delete(ENDPOINTSLICES, { namespace: 'default', name: slice.metadata.name })
      const [next] = await expectEndpoints(client, 'web', '10.244.1.1')
      assert.notEqual(next?.metadata.uid, slice.metadata.uid)
    }))

  test('Endpoints without a selector are mirrored, and the mirror follows', () =>
    withControllers(makeServer, async ({ client }) => {
      await client.create<Service>(SERVICES, {
        ...service('db'),
        spec: { ports: [{ port: 5432, protocol: 'TCP', targetPort: 5432 }] },
      })
      const made = await client.create<Endpoints>(ENDPOINTS, {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name: 'db', namespace: 'default' },
        subsets: [
          { addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], ports: [{ port: 5432, protocol: 'TCP' }] },
        ],
      })
      await expectEndpoints(client, 'db', '192.0.2.1')
      assert.equal(endpointsText(await slicesOf(client, 'db'), 'IPv6'), '2001:db8::1')
      await client.update<Endpoints>(ENDPOINTS, {
        ...made,
        subsets: [{ addresses: [{ ip: '192.0.2.2' }], ports: [{ port: 5432, protocol: 'TCP' }] }],
      })
      await expectEndpoints(client, 'db', '192.0.2.2')
      await client.patch(
        ENDPOINTS,
        { namespace: 'default', name: 'db' },
        {
          type: 'merge',
          body: { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } },
        },
      )
      await eventually('no mirror', async () => ((await slicesOf(client, 'db')).length === 0 ? true : undefined))
    }))

  test('a namespace gets its account, and is emptied before it goes', () =>
    withControllers(makeServer, async ({ client }) => {
      await client.create<Namespace>(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })
      const account = { namespace: 'team', name: 'default' }
      await eventually('account', () => client.get<KubeObject>(SERVICEACCOUNTS, account))
      await client.delete(SERVICEACCOUNTS, account)
      await eventually('account again', () => client.get<KubeObject>(SERVICEACCOUNTS, account))
      for (const name of ['a', 'b']) {
        const metadata = { name, namespace: 'team' }
        await client.create<KubeObject>(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
      }
      await client.create(SERVICES, { ...service('web'), metadata: { name: 'web', namespace: 'team' } })
      await client.delete(NAMESPACES, { name: 'team' })
      await gone(client, NAMESPACES, { name: 'team' })
      for (const resource of [CONFIGMAPS, SERVICES, SERVICEACCOUNTS, ENDPOINTSLICES, ENDPOINTS]) {
        const { items } = await client.list(resource, { namespace: 'team' })
        assert.deepEqual(items, [], resource.resource)
      }
    }))

  test('a silent node is Unknown and tainted, its pods lose Ready; its own word brings it back', () =>
    withControllers(makeServer, async ({ client, pass }) => {
      const node = await createNode(client, 'node-1')
      const lease = await client.create<Lease>(LEASES, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'node-1', namespace: 'kube-node-lease' },
        spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40, renewTime: '2026-01-01T00:00:00.000000Z' },
      })
      await client.create(SERVICES, service('web'))
      await createPod(client, 'p1')
      await runPod(client, 'p1', ['10.244.1.1'])
      await expectEndpoints(client, 'web', '10.244.1.1')
      pass(30_000)
      await client.update<Lease>(LEASES, {
        ...lease,
        spec: { ...lease.spec, renewTime: '2026-01-01T00:00:30.000000Z' },
      })
      await systemClock.sleep(50)
      pass(30_000)
      await systemClock.sleep(50)
      assert.equal(await readyOf(client), 'True', 'the Lease was renewed in time')
      pass(15_000)
      await expectEndpoints(client, 'web', '10.244.1.1!')
      assert.equal(await readyOf(client), 'Unknown')
      await eventually('taint', async () =>
        (await taintsOf(client)) === 'node.kubernetes.io/unreachable' ? true : undefined,
      )
      const current = await client.get<Node>(NODES, { name: 'node-1' })
      await client.updateStatus<Node>(NODES, { ...current, status: node.status ?? {} })
      await eventually('taint removed', async () => ((await taintsOf(client)) === '' ? true : undefined))
    }))
}

async function readyOf(client: ApiClient): Promise<string | undefined> {
  const node = await client.get<Node>(NODES, { name: 'node-1' })
  return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
}

async function taintsOf(client: ApiClient): Promise<string> {
  const node = await client.get<Node>(NODES, { name: 'node-1' })
  return (node.spec?.taints ?? []).map(({ key }) => key).join(' ')
}

describe('fake API server', () => {
  testWithServer(fakeServer)

  test('malformed objects and failing writes stop nobody', () =>
    withControllers(fakeServer, async ({ client, fake }) => {
      const broken = (name: string, rest: object) =>
        ({ apiVersion: 'v1', metadata: { name, namespace: 'default', labels: { app: 'web' } }, ...rest }) as never
      await client.create(SERVICES, broken('nospec', { kind: 'Service' }))
      await client.create(SERVICES, broken('ports', { kind: 'Service', spec: { selector: { app: 'web' }, ports: 7 } }))
      await client.create(PODS, broken('nospec', { kind: 'Pod' }))
      await client.create(PODS, broken('ips', { kind: 'Pod', spec: {}, status: { podIPs: [{}], conditions: 'x' } }))
      await client.create(ENDPOINTS, broken('x', { kind: 'Endpoints', subsets: [{ addresses: [{}], ports: [{}] }] }))
      await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'bare' } })
      await createNode(client, 'node-1')
      await client.create(SERVICES, service('web'))
      await client.delete(PODS, { namespace: 'default', name: 'ips' })
      await createPod(client, 'p1')
      await runPod(client, 'p1', ['10.244.1.1'])
      await expectEndpoints(client, 'web', '10.244.1.1')
      const pod = await client.get<Pod>(PODS, { namespace: 'default', name: 'p1' })
      await setReady(client, pod, 'False')
      fake?.failWrites('SBX_API_UNAVAILABLE', 5)
      await expectEndpoints(client, 'web', '10.244.1.1!')
    }))

  test('a settled cluster is not written to, restarts of the server included', () =>
    withControllers(fakeServer, async ({ client, fake }) => {
      await createNode(client, 'node-1')
      await client.create(SERVICES, service('web'))
      await createPod(client, 'p1')
      await runPod(client, 'p1', ['10.244.1.1'])
      await expectEndpoints(client, 'web', '10.244.1.1')
      await systemClock.sleep(150)
      const before = fake?.writes.length
      fake?.dropWatches()
      await systemClock.sleep(50)
      fake?.compact()
      fake?.dropWatches()
      await systemClock.sleep(150)
      assert.equal(fake?.writes.length, before)
    }))
})

describe('embedded API server', () => testWithServer(embeddedServer))
