import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterChange, EndpointSlice, Service } from '#api'
import { clusterStateOf } from '#api'
import { createIptablesBackend, findDrift } from '#backends/iptables'
import type { FakeIptables } from '#kernel'
import { createFakeIptables } from '#kernel'
import type { Family } from '#lib'
import { silentLogger, SignalboxError, systemClock } from '#lib'
import { nodeFactsOf } from '#model'
import type { ProxyConfig } from './config.ts'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import type { SyncReceipt } from './receipt.ts'
import { renderClusterProgram } from './render-cluster.ts'
import { runProxy } from './run-proxy.ts'
import { here, service, slice, there } from './testing/objects.ts'

type Running = {
  readonly fake: FakeIptables
  readonly receipts: SyncReceipt[]
  /** Offers a step and resolves with the next receipt after it. */
  readonly step: (objects: Objects, dirty: readonly string[], full?: boolean) => Promise<SyncReceipt>
  readonly push: (objects: Objects, dirty: readonly string[], full?: boolean) => void
  readonly nextReceipt: () => Promise<SyncReceipt>
  readonly stop: () => Promise<void>
}

type Objects = { readonly services: readonly Service[]; readonly slices: readonly EndpointSlice[] }

const CONFIG: ProxyConfig = { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: ['10.244.0.0/16'], syncPeriod: 1 }

function start(options: { config?: Partial<ProxyConfig>; family?: Family; fake?: FakeIptables } = {}): Running {
  const fake = options.fake ?? createFakeIptables(options.family ?? 'IPv4')
  const stop = new AbortController()
  const queue: ClusterChange[] = []
  let wakeReader = (): void => undefined
  const receipts: SyncReceipt[] = []
  let waiters: ((receipt: SyncReceipt) => void)[] = []
  async function* changes(): AsyncGenerator<ClusterChange> {
    while (!stop.signal.aborted) {
      const next = queue.shift()
      if (next !== undefined) yield next
      else await new Promise<void>((resolve) => (wakeReader = resolve))
    }
  }
  const done = runProxy({
    changes: changes(),
    nodeName: 'node-1',
    config: { ...CONFIG, ...options.config },
    backends: [createIptablesBackend(fake)],
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    publish: (receipt) => {
      receipts.push(receipt)
      const woken = waiters
      waiters = []
      for (const wake of woken) wake(receipt)
    },
  })
  const push: Running['push'] = (objects, dirty, full = false) => {
    queue.push({ state: clusterStateOf(objects), dirty: new Set(dirty), full })
    wakeReader()
  }
  const nextReceipt = (): Promise<SyncReceipt> => new Promise((resolve) => waiters.push(resolve))
  return {
    fake,
    receipts,
    push,
    nextReceipt,
    step: (objects, dirty, full) => {
      const receipt = nextReceipt()
      push(objects, dirty, full)
      return receipt
    },
    stop: async () => {
      stop.abort()
      wakeReader()
      await done
    },
  }
}

function driftOf(fake: FakeIptables, objects: Objects): unknown {
  const node = nodeFactsOf('node-1', undefined)
  const input = { state: clusterStateOf(objects), node, config: CONFIG, family: fake.family }
  return findDrift(fake.ruleset(), renderClusterProgram(input))
}

const web = service()
const api = service({ name: 'api', clusterIP: '10.96.0.11', type: 'NodePort', ports: [{ port: 443, nodePort: 30443 }] })
const sticky = service({ name: 'sticky', clusterIP: '10.96.0.12', sessionAffinity: 'ClientIP' })
const webSlice = slice({ endpoints: [here('10.244.1.1'), there('10.244.2.1')] })
const apiSlice = slice({ service: 'api', endpoints: [there('10.244.2.2')] })
const stickySlice = slice({ service: 'sticky', endpoints: [there('10.244.2.3')] })

test('IN-5 nothing is written before the first change, then everything at once', async () => {
  const proxy = start()
  await systemClock.sleep(20)
  assert.deepEqual(proxy.fake.restored, [])
  const objects = { services: [web, api], slices: [webSlice, apiSlice] }
  const receipt = await proxy.step(objects, ['ns/web', 'ns/api'], true)
  assert.equal(receipt.kind, 'full')
  assert.equal(receipt.error, undefined)
  assert.equal(proxy.fake.restored.length, 1)
  assert.deepEqual(driftOf(proxy.fake, objects), [])
  await proxy.stop()
})

test('CC-94 CC-96 a change sends its own lines and no others', async () => {
  const proxy = start()
  const before = { services: [web, api], slices: [webSlice, apiSlice] }
  await proxy.step(before, [], true)
  const after = { services: [web, api], slices: [slice({ endpoints: [here('10.244.1.1')] }), apiSlice] }
  const receipt = await proxy.step(after, ['ns/web'])
  assert.equal(receipt.kind, 'partial')
  assert.deepEqual(receipt.services, ['ns/web'])
  const text = proxy.fake.restored.at(-1) ?? ''
  assert.doesNotMatch(text, /ns\/api|KUBE-SERVICES|KUBE-POSTROUTING/)
  assert.match(text, /^-X KUBE-SEP-/m)
  assert.deepEqual(driftOf(proxy.fake, after), [])
  await proxy.stop()
})

test('CC-97 CC-114 a change that changes no rule sends nothing', async () => {
  const proxy = start()
  const objects = { services: [web], slices: [webSlice] }
  await proxy.step(objects, [], true)
  const relabelled = { ...webSlice, metadata: { ...webSlice.metadata, annotations: { a: 'b' } } }
  const receipt = await proxy.step({ services: [web], slices: [relabelled] }, ['ns/web'])
  assert.equal(receipt.lines, 0)
  assert.equal(proxy.fake.restored.length, 1)
  await proxy.stop()
})

test('CC-95 a deleted service leaves no chain behind, in one transaction', async () => {
  const proxy = start()
  await proxy.step({ services: [web, api], slices: [webSlice, apiSlice] }, [], true)
  const after = { services: [web], slices: [webSlice] }
  await proxy.step(after, ['ns/api'])
  assert.equal(proxy.fake.restored.length, 2)
  assert.deepEqual(driftOf(proxy.fake, after), [])
  await proxy.stop()
})

test('changes that arrive during a sync become one sync', async () => {
  const fake = createFakeIptables('IPv4')
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  const slow: FakeIptables = { ...fake, restore: (text) => gate.then(() => fake.restore(text)) }
  const proxy = start({ fake: slow })
  const objects = { services: [web, api], slices: [webSlice, apiSlice] }
  proxy.push({ services: [], slices: [] }, [], true)
  await systemClock.sleep(10)
  proxy.push(objects, ['ns/web'])
  proxy.push(objects, ['ns/api'])
  await systemClock.sleep(10)
  release()
  await proxy.nextReceipt()
  const second = await proxy.nextReceipt()
  assert.deepEqual([...second.services].sort(), ['ns/api', 'ns/web'])
  assert.deepEqual(driftOf(fake, objects), [])
  await proxy.stop()
})

test('CC-98 a failed partial sync is followed by a full one that loses nothing', async () => {
  const proxy = start()
  await proxy.step({ services: [web], slices: [webSlice] }, [], true)
  proxy.fake.failNext(new SignalboxError('SBX_IPTABLES_NOT_FOUND', 'gone'))
  const objects = { services: [web, api], slices: [webSlice, apiSlice] }
  const failed = await proxy.step(objects, ['ns/api'])
  assert.equal(failed.error?.code, 'SBX_IPTABLES_NOT_FOUND')
  const repaired = await proxy.nextReceipt()
  assert.equal(repaired.kind, 'full')
  assert.deepEqual(driftOf(proxy.fake, objects), [])
  await proxy.stop()
})

test('IPT-37 chains deleted behind our back are put right by the full sync after the failure', async () => {
  const proxy = start()
  const objects = { services: [web, api], slices: [webSlice, apiSlice] }
  await proxy.step(objects, [], true)
  const lines = (await proxy.fake.save()).split('\n')
  const spread = lines
    .filter((line) => line.startsWith('-A KUBE-SERVICES') && line.includes('ns/api'))
    .map((line) => line.replace('-A', '-D'))
  proxy.fake.meddle(`*nat\n${spread.join('\n')}\nCOMMIT\n`)
  const without = { services: [web], slices: [webSlice] }
  const failed = await proxy.step(without, ['ns/api'])
  assert.equal(failed.error?.code, 'SBX_IPTABLES_NOT_FOUND')
  await proxy.nextReceipt()
  assert.deepEqual(driftOf(proxy.fake, without), [])
  await proxy.stop()
})

/** A kernel without xt_recent: whatever mentions it is refused. */
function withoutRecent(): FakeIptables {
  const fake = createFakeIptables('IPv4')
  return {
    ...fake,
    restore: (text) =>
      text.includes('-m recent')
        ? Promise.reject(new SignalboxError('SBX_IPTABLES_REJECTED', "Couldn't load match `recent'"))
        : fake.restore(text),
  }
}

test('a service the kernel refuses stands alone; all others are served', async () => {
  const fake = withoutRecent()
  const proxy = start({ fake })
  const good = { services: [web, api], slices: [webSlice, apiSlice] }
  const all = { services: [web, sticky, api], slices: [webSlice, stickySlice, apiSlice] }
  await proxy.step(all, [], true)
  const receipt = await proxy.nextReceipt()
  assert.deepEqual(
    receipt.quarantined.map(({ service: key }) => key),
    ['ns/sticky'],
  )
  assert.deepEqual(driftOf(fake, good), [])

  const more = { ...all, slices: [slice({ endpoints: [here('10.244.1.1')] }), stickySlice, apiSlice] }
  const partial = await proxy.step(more, ['ns/web'])
  assert.equal(partial.kind, 'partial')
  assert.equal(partial.error, undefined)

  const cured = { ...more, services: [web, service({ name: 'sticky', clusterIP: '10.96.0.12' }), api] }
  const last = await proxy.step(cured, ['ns/sticky'])
  assert.deepEqual(last.quarantined, [])
  assert.deepEqual(driftOf(fake, cured), [])
  await proxy.stop()
})

test('IPT-39 a restart over right rules writes nothing; over stale ones only the difference', async () => {
  const objects = { services: [web, api], slices: [webSlice, apiSlice] }
  const first = start()
  await first.step(objects, [], true)
  await first.stop()
  const second = start({ fake: first.fake })
  const receipt = await second.step(objects, [], true)
  assert.equal(receipt.lines, 0)
  await second.stop()

  const third = start({ fake: first.fake })
  const changed = { services: [web], slices: [webSlice] }
  await third.step(changed, [], true)
  assert.doesNotMatch(first.fake.restored.at(-1) ?? '', /ns\/web/)
  assert.deepEqual(driftOf(first.fake, changed), [])
  await third.stop()
})

test('OP-24 CC-103 an unprompted full sync repairs what others took away', async () => {
  const proxy = start({ config: { fullSyncPeriod: 0.03 } })
  const objects = { services: [web], slices: [webSlice] }
  await proxy.step(objects, [], true)
  proxy.fake.meddle('*nat\n-D OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\nCOMMIT\n')
  let receipt = await proxy.nextReceipt()
  while (receipt.lines === 0) receipt = await proxy.nextReceipt()
  assert.equal(receipt.kind, 'full')
  assert.equal(receipt.lines, 1)
  assert.deepEqual(driftOf(proxy.fake, objects), [])
  await proxy.stop()
})

test('/healthz and /livez answer for the node and for the loop', async () => {
  const stop = new AbortController()
  const port = Promise.withResolvers<number>()
  const fake = createFakeIptables('IPv4')
  const synced = Promise.withResolvers<void>()
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }
  async function* changes(): AsyncGenerator<ClusterChange> {
    yield { state: clusterStateOf({ nodes: [node] }), dirty: new Set(), full: true }
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }))
  }
  const done = runProxy({
    changes: changes(),
    nodeName: 'node-1',
    config: { ...CONFIG, healthzBindAddress: '127.0.0.1:0' },
    backends: [createIptablesBackend(fake)],
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    onSynced: synced.resolve,
    onHealthz: port.resolve,
  })
  const base = `http://127.0.0.1:${await port.promise}`
  await synced.promise
  const healthz = await fetch(`${base}/healthz`)
  assert.equal(healthz.status, 200)
  const body = (await healthz.json()) as { healthy: boolean; nodeEligible: boolean; status: Record<string, unknown> }
  assert.deepEqual([body.healthy, body.nodeEligible, Object.keys(body.status)], [true, true, ['IPv4']])
  assert.equal((await fetch(`${base}/livez`)).status, 200)
  assert.equal((await fetch(`${base}/metrics`)).status, 404)
  stop.abort()
  await done
  await assert.rejects(fetch(`${base}/livez`))
})
