/** What the loop does around its rules: servers, events, drift, waiting for the node. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import type { ClusterChange, Node } from '#api'
import { clusterStateOf } from '#api'
import { createIptablesBackend, findDrift } from '#backends/iptables'
import { createFakeConntrack, createFakeIptables, createRulesetWatch, watchedIptables } from '#kernel'
import type { Clock } from '#lib'
import { silentLogger, systemClock } from '#lib'
import { nodeFactsOf } from '#model'
import type { ProxyConfig } from './config.ts'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import type { ProxyEvent } from './events.ts'
import type { SyncReceipt } from './receipt.ts'
import { renderClusterProgram } from './render-cluster.ts'
import type { RunProxyOptions } from './run-proxy.ts'
import { runProxy } from './run-proxy.ts'
import { listen } from './serve-address.ts'
import { here, service, slice } from './testing/objects.ts'
import { waitForNode } from './wait-for-node.ts'

const CONFIG: ProxyConfig = { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: ['10.244.0.0/16'], syncPeriod: 1 }
const NODE: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }

const local = service({
  name: 'local',
  type: 'LoadBalancer',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 0,
  ports: [{ port: 80, nodePort: 30_080 }],
  vips: ['198.51.100.7'],
})

type Some = Partial<RunProxyOptions<never, never, never, never>> & {
  readonly objects?: Parameters<typeof clusterStateOf>[0]
}

const started: (() => Promise<void>)[] = []
after(() => Promise.allSettled(started.map((end) => end())))

/** A proxy over a fake kernel that has made its first sync. */
async function start(options: Some = {}) {
  const fake = createFakeIptables('IPv4')
  let generation = 0
  const watch = createRulesetWatch(() => Promise.resolve(generation))
  const counted = {
    ...fake,
    restore: (text: string) => {
      generation += text.match(/^COMMIT$/gm)?.length ?? 0
      return fake.restore(text)
    },
  }
  const stop = new AbortController()
  const synced = Promise.withResolvers<void>()
  const state = clusterStateOf({ nodes: [NODE], ...options.objects })
  const more: ClusterChange[] = []
  let wake = (): void => undefined
  async function* changes(): AsyncGenerator<ClusterChange> {
    yield { state, dirty: new Set(), full: true }
    while (!stop.signal.aborted) {
      const next = more.shift()
      if (next !== undefined) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  const { objects: _objects, ...rest } = options
  const receipts: SyncReceipt[] = []
  let onReceipt = (_receipt: SyncReceipt): void => undefined
  const running = runProxy({
    changes: changes(),
    nodeName: 'node-1',
    config: CONFIG,
    backends: [createIptablesBackend(watchedIptables(counted, watch))],
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    rulesetWatch: watch,
    onSynced: synced.resolve,
    publish: (receipt) => {
      receipts.push(receipt)
      onReceipt(receipt)
    },
    ...(rest as object),
  })
  const end = async (): Promise<void> => {
    stop.abort()
    wake()
    await running
  }
  started.push(end)
  await Promise.race([synced.promise, running])
  while (receipts.length === 0) await systemClock.sleep(1)
  return {
    fake,
    receipts,
    push: (change: ClusterChange): Promise<SyncReceipt> => {
      const done = new Promise<SyncReceipt>((resolve) => (onReceipt = resolve))
      more.push(change)
      wake()
      return done
    },
    meddle: (text: string): Promise<SyncReceipt> => {
      const done = new Promise<SyncReceipt>((resolve) => (onReceipt = resolve))
      fake.meddle(text)
      generation += 1
      return done
    },
    drift: () => {
      const input = { state, node: nodeFactsOf('node-1', undefined), config: CONFIG, family: 'IPv4' as const }
      return findDrift(fake.ruleset(), renderClusterProgram(input))
    },
    stop: end,
  }
}

test('CC-103 UP-17 what another program changes is put right, without a listing as long as nobody does', async () => {
  const proxy = await start({
    objects: { services: [service()], slices: [slice({ endpoints: [here('10.244.1.1')] })] },
  })
  const receipt = await proxy.meddle(
    '*nat\n-D OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\nCOMMIT\n',
  )
  assert.deepEqual([receipt.kind, receipt.lines], ['full', 1])
  assert.deepEqual(proxy.drift(), [])
  await proxy.stop()
})

test('HC-7 OP-34 a health-check port that is taken becomes an event of its Service', async () => {
  const squatter = createServer()
  await listen(squatter, { host: '0.0.0.0', port: 0 }, 'SBX_PROXY_HEALTH_CHECK_LISTEN')
  const address = squatter.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const events: ProxyEvent[] = []
  const taken = { ...local, spec: { ...local.spec, healthCheckNodePort: port } }
  const objects = { services: [taken], slices: [slice({ service: 'local', endpoints: [here('10.244.1.1')] })] }
  const proxy = await start({ objects, onEvent: (event) => void events.push(event) })
  const next = await proxy.push({ state: clusterStateOf(objects), dirty: new Set(['ns/local']), full: false })
  assert.equal(next.error, undefined)
  assert.deepEqual(
    events.map(({ service: key, reason }) => [key, reason]),
    [
      ['ns/local', 'FailedToStartServiceHealthcheck'],
      ['ns/local', 'FailedToStartServiceHealthcheck'],
    ],
  )
  await proxy.stop()
  await new Promise((resolve) => squatter.close(resolve))
})

test('CC-158 CC-159 HC-5 distinct ready addresses of this node count, terminating ones do not', async () => {
  const probe = createServer()
  await listen(probe, { host: '0.0.0.0', port: 0 }, 'SBX_PROXY_HEALTH_CHECK_LISTEN')
  const address = probe.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await new Promise((resolve) => probe.close(resolve))
  const ports = [
    { name: 'a', port: 80 },
    { name: 'b', port: 81 },
  ]
  const served = {
    ...local,
    spec: {
      ...local.spec,
      healthCheckNodePort: port,
      ports: ports.map((each) => ({ ...each, protocol: 'TCP' as const, nodePort: 30_000 + each.port })),
    },
  }
  const endpoints = (state: 'ready' | 'terminating') => [
    slice({
      service: 'local',
      ports: ports.map(({ name }) => ({ name, protocol: 'TCP', port: 8080 })),
      endpoints: [here('10.244.1.1', state), here('10.244.1.2', 'terminating')],
    }),
  ]
  const proxy = await start({ objects: { services: [served], slices: endpoints('ready') } })
  const ask = async (): Promise<readonly [number, string | null]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`)
    return [answer.status, answer.headers.get('x-load-balancing-endpoint-weight')]
  }
  assert.deepEqual(await ask(), [200, '1'])
  const draining = clusterStateOf({ services: [served], slices: endpoints('terminating') })
  await proxy.push({ state: draining, dirty: new Set(['ns/local']), full: false })
  assert.deepEqual(await ask(), [503, '0'])
  await proxy.stop()
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`))
})

test('OP-33 /metrics, /proxyMode, /configz and a bare /healthz; anything else is not there', async () => {
  const port = Promise.withResolvers<number>()
  const proxy = await start({
    config: { ...CONFIG, metricsBindAddress: '127.0.0.1:0' },
    configz: { mode: 'iptables' },
    onMetrics: port.resolve,
  })
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${await port.promise}${path}`)
    return `${answer.status} ${await answer.text()}`
  }
  assert.match(
    await get('/metrics'),
    /^200 [^]*kubeproxy_sync_full_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} 1\n/,
  )
  assert.match(await get('/metrics'), /kubeproxy_sync_proxy_rules_iptables_total\{ip_family="IPv4",table="nat"\} [1-9]/)
  assert.match(await get('/metrics/slis'), /kubernetes_healthcheck\{name="sync",type="healthz"\} 1/)
  assert.equal(await get('/proxyMode'), '200 iptables')
  assert.equal(await get('/configz'), '200 {"kubeproxy.config.k8s.io":{"mode":"iptables"}}')
  assert.equal(await get('/healthz'), '200 ok')
  assert.match(await get('/debug/pprof/'), /^404/)
  await proxy.stop()
})

test('HC-14 OP-33 a taken address is tried again, or with bindAddressHardFail ends the proxy with an event', async () => {
  const squatter = createServer()
  await listen(squatter, { host: '127.0.0.1', port: 0 }, 'SBX_PROXY_HEALTHZ_LISTEN')
  const address = squatter.address()
  const bind = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  // Five seconds pass at once.
  const clock: Clock = { ...systemClock, sleep: (_milliseconds, signal) => systemClock.sleep(20, signal) }
  const port = Promise.withResolvers<number>()
  const proxy = await start({ clock, config: { ...CONFIG, healthzBindAddress: bind }, onHealthz: port.resolve })
  await new Promise((resolve) => squatter.close(resolve))
  assert.equal(await port.promise, Number(bind.split(':')[1]))
  const events: ProxyEvent[] = []
  for (const field of ['healthzBindAddress', 'metricsBindAddress'] as const) {
    const config = { ...CONFIG, [field]: bind, bindAddressHardFail: true }
    await assert.rejects(start({ config, onEvent: (event) => void events.push(event) }), { code: /LISTEN$/ })
  }
  assert.deepEqual(
    events.map(({ reason }) => reason),
    ['FailedToStartProxierHealthcheck', 'FailedToStartMetricServer'],
  )
  await proxy.stop()
})

test('UP-3 CT-9 flows of UDP services are reconciled at the start, and when a service goes', async () => {
  const door = createFakeConntrack('IPv4')
  const end = (address: string, port: number) => ({ address, port })
  const client = end('10.244.1.9', 40_000)
  const flow = (from: string) => ({
    original: { source: client, destination: end('10.96.0.10', 53) },
    reply: { source: end(from, 5353), destination: client },
  })
  door.add(flow('10.244.1.1'), flow('10.244.1.7'))
  const dns = service({ name: 'dns', ports: [{ port: 53, protocol: 'UDP' }] })
  const behind = slice({
    service: 'dns',
    ports: [{ name: '', protocol: 'UDP', port: 5353 }],
    endpoints: [here('10.244.1.1')],
  })
  const proxy = await start({ conntrack: [door], objects: { services: [dns], slices: [behind] } })
  assert.deepEqual(
    door.flows().map(({ reply }) => reply.source.address),
    ['10.244.1.1'],
  )
  await proxy.push({ state: clusterStateOf({ nodes: [NODE] }), dirty: new Set(['ns/dns']), full: false })
  assert.deepEqual(door.flows(), [])
  await proxy.stop()
})

/** Time passes only by sleeping. */
function sleepingClock(onSleep: (elapsed: number) => void = () => undefined): Clock {
  let elapsed = 0
  return {
    ...systemClock,
    monotonic: () => elapsed,
    sleep: (milliseconds) => {
      elapsed += milliseconds
      onSleep(elapsed)
      return Promise.resolve()
    },
  }
}

const shared = { nodeName: 'node-1', logger: silentLogger, signal: new AbortController().signal }

test('OP-16 CC-165 an address of the node is waited for, and then no longer', async () => {
  const config = { ...CONFIG, nodeWaitSeconds: 30 }
  let last = 0
  const clock = sleepingClock((elapsed) => (last = elapsed))
  await waitForNode({ ...shared, state: clusterStateOf({}), config, clock })
  assert.equal(last, 30_000)
  const addressed: Node = { ...NODE, status: { addresses: [{ type: 'InternalIP', address: '172.18.0.11' }] } }
  const late = { ...clusterStateOf({}), node: () => (last >= 700 ? addressed : undefined) }
  last = 0
  await waitForNode({ ...shared, state: late, config, clock: sleepingClock((elapsed) => (last = elapsed)) })
  assert.equal(last, 700)
})

test('OP-16 CC-166 without pod CIDRs NodeCIDR mode ends after five minutes', async () => {
  const config = { ...CONFIG, detectLocalMode: 'NodeCIDR' as const }
  let last = 0
  const clock = sleepingClock((elapsed) => (last = elapsed))
  await assert.rejects(waitForNode({ ...shared, state: clusterStateOf({ nodes: [NODE] }), config, clock }), {
    code: 'SBX_PROXY_NO_POD_CIDR',
  })
  assert.equal(last, 300_000)
  const ready: Node = { ...NODE, spec: { podCIDRs: ['10.244.1.0/24'] } }
  await waitForNode({ ...shared, state: clusterStateOf({ nodes: [ready] }), config, clock: sleepingClock() })
})

test('CC-167 OP-17 NodeCIDR: a change of pod CIDRs is taken up in place', async () => {
  const at = (cidr: string) =>
    clusterStateOf({
      nodes: [{ ...NODE, spec: { podCIDRs: [cidr] } }],
      services: [service()],
      slices: [slice({ endpoints: [here('10.244.1.1')] })],
    })
  const proxy = await start({
    config: { ...CONFIG, detectLocalMode: 'NodeCIDR' },
    objects: {
      nodes: [{ ...NODE, spec: { podCIDRs: ['10.244.1.0/24'] } }],
      services: [service()],
      slices: [slice({ endpoints: [here('10.244.1.1')] })],
    },
  })
  assert.match(await proxy.fake.save(), /! -s 10\.244\.1\.0\/24/)
  await proxy.push({ state: at('10.244.7.0/24'), dirty: new Set(), full: true })
  const saved = await proxy.fake.save()
  assert.match(saved, /! -s 10\.244\.7\.0\/24/)
  assert.doesNotMatch(saved, /10\.244\.1\.0\/24/)
  await proxy.stop()
})
