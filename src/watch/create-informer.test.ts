import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ConfigMap, KubeObject } from '#api'
import { CONFIGMAPS, SERVICES } from '#api'
import type { Clock, Logger } from '#lib'
import { silentLogger, systemClock } from '#lib'
import { connectApi } from './connect-api.ts'
import type { InformerOptions } from './create-informer.ts'
import { createInformer } from './create-informer.ts'
import type { FakeApi } from './fake/create-fake-api.ts'
import { createFakeApi } from './fake/create-fake-api.ts'
import type { ServedApi } from './testing/serve-fake-api.ts'
import { serveFakeApi } from './testing/serve-fake-api.ts'
import type { Informer, InformerEvent } from './informer-types.ts'
import { isOlder } from './resource-version.ts'
import { waitFor } from './wait-for.ts'

/** Pauses between tries shrink to nothing, so that only their order is tested. */
const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 1), signal) }

type Rig = {
  readonly api: FakeApi
  readonly served: ServedApi
  readonly informer: Informer<ConfigMap>
  readonly events: InformerEvent<ConfigMap>[]
  readonly warnings: string[]
  readonly stop: () => Promise<void>
}

function configMap(name: string, value = ''): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { value } }
}

async function setUp(names: readonly string[], options: Partial<InformerOptions<ConfigMap>> = {}): Promise<Rig> {
  const api = createFakeApi({ clock })
  for (const name of names) await api.client.create(CONFIGMAPS, configMap(name))
  const served = await serveFakeApi({ client: api.client })
  const abort = new AbortController()
  const client = connectApi({ server: `http://127.0.0.1:${served.port}`, namespace: 'default' }, { clock })
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (m) => warnings.push(m), error: (m) => warnings.push(m) }
  const informer = createInformer<ConfigMap>({
    client,
    resource: CONFIGMAPS,
    clock,
    logger,
    signal: abort.signal,
    random: () => 0.5,
    ...options,
  })
  const events: InformerEvent<ConfigMap>[] = []
  informer.onChange((event) => events.push(event))
  await informer.synced
  while (served.openWatches === 0) await systemClock.sleep(1)
  return {
    api,
    served,
    informer,
    events,
    warnings,
    stop: async () => {
      abort.abort()
      await served.close()
    },
  }
}

function values(items: ReadonlyMap<string, ConfigMap>): string {
  return [...items].map(([key, item]) => `${key}=${item.data?.['value']}`).join(' ')
}

async function until(rig: Rig, expected: string): Promise<void> {
  await waitFor(rig.informer, (items) => (values(items) === expected ? true : undefined))
}

test('lists in pages, then follows; events carry before and after', async () => {
  const rig = await setUp(['a', 'b', 'c'], { pageSize: 2 })
  assert.equal(rig.events.length, 3)
  assert.deepEqual(rig.served.requests.slice(0, 2), [
    'GET /api/v1/configmaps?limit=2',
    'GET /api/v1/configmaps?limit=2&continue=page-1',
  ])
  assert.match(
    rig.served.requests[2] ?? '',
    /watch=true&resourceVersion=4&allowWatchBookmarks=true&timeoutSeconds=450$/,
  )
  await rig.api.client.update(CONFIGMAPS, configMap('b', 'new'))
  await rig.api.client.delete(CONFIGMAPS, { name: 'a' })
  await until(rig, 'default/b=new default/c=')
  const [change, removal] = rig.events.slice(3)
  assert.equal(change?.before?.data?.['value'], '')
  assert.equal(change?.after?.data?.['value'], 'new')
  assert.equal(removal?.after, undefined)
  assert.equal(rig.informer.get('default/b')?.kind, 'ConfigMap')
  await rig.stop()
})

test('410 makes a list, which finds the deletes that were missed', async () => {
  const rig = await setUp(['a', 'b', 'c'])
  rig.served.answerNext(410, '{}')
  rig.served.endWatches()
  await rig.api.client.delete(CONFIGMAPS, { name: 'a' })
  await rig.api.client.delete(CONFIGMAPS, { name: 'b' })
  await rig.api.client.create(CONFIGMAPS, configMap('b', 'reborn'))
  rig.api.compact()
  await until(rig, 'default/c= default/b=reborn')
  const later = rig.events.slice(3).map(({ key, before, after }) => [key, before?.metadata.uid, after?.metadata.uid])
  assert.deepEqual(
    new Set(later.map(String)),
    new Set(['default/a,uid-1,', 'default/b,uid-2,', 'default/b,,uid-4']),
    'another uid is a delete and an add',
  )
  await rig.stop()
})

test('a continue token that expired is answered with one whole list', async () => {
  const api = createFakeApi({ clock })
  for (const name of ['a', 'b', 'c']) await api.client.create(CONFIGMAPS, configMap(name))
  let expired = 0
  const client = {
    ...api.client,
    list: async <T extends KubeObject>(...[resource, options]: Parameters<typeof api.client.list>) => {
      if (options?.continue !== undefined) {
        expired += 1
        const error = Object.assign(new Error('expired'), { code: 'SBX_API_EXPIRED', facts: {} })
        throw error
      }
      return api.client.list<T>(resource, options)
    },
  }
  const abort = new AbortController()
  const informer = createInformer<ConfigMap>({
    client,
    resource: CONFIGMAPS,
    clock,
    logger: silentLogger,
    signal: abort.signal,
    pageSize: 2,
  })
  await informer.synced
  assert.equal(informer.items.size, 3)
  assert.equal(expired, 1)
  abort.abort()
})

test('outages: cut mid-line, garbage, resets, 500s; the last state is served meanwhile', async () => {
  const rig = await setUp(['a'])
  await rig.served.inject('{"type":"ADDED","object":{"kind":')
  rig.served.answerNext(500, 'oops', 2)
  rig.served.reset()
  assert.equal(rig.informer.items.size, 1)
  await rig.api.client.create(CONFIGMAPS, configMap('b'))
  await until(rig, 'default/a= default/b=')
  while (rig.served.openWatches === 0) await systemClock.sleep(1)
  await rig.served.inject('}{\n')
  await rig.api.client.create(CONFIGMAPS, configMap('c'))
  await until(rig, 'default/a= default/b= default/c=')
  assert.deepEqual(
    rig.events.map(({ key }) => key),
    ['default/a', 'default/b', 'default/c'],
    'nothing is told twice',
  )
  await rig.stop()
})

test('objects of another kind, without a name, or null are dropped and the rest goes on', async () => {
  const rig = await setUp([])
  const send = (object: unknown): Promise<void> => rig.served.inject(`${JSON.stringify({ type: 'ADDED', object })}\n`)
  await send({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'default' } })
  await send({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })
  await send({ apiVersion: 'v1', kind: 'ConfigMap' })
  await rig.api.client.create(CONFIGMAPS, configMap('a'))
  await until(rig, 'default/a=')
  assert.equal(rig.warnings.length, 3)
  await rig.stop()
})

test('a listener or transform that throws is reported and stops nobody', async () => {
  const rig = await setUp(['a'], {
    transform: (object) => {
      if (object.metadata.name === 'bad') throw new Error('transform')
      return { ...object, data: { value: 'seen' } }
    },
  })
  rig.informer.onChange(() => {
    throw new Error('listener')
  })
  const after: string[] = []
  const off = rig.informer.onChange(({ key }) => after.push(key))
  await rig.api.client.create(CONFIGMAPS, configMap('bad'))
  await rig.api.client.create(CONFIGMAPS, configMap('c'))
  await until(rig, 'default/a=seen default/bad= default/c=seen')
  assert.deepEqual(after, ['default/bad', 'default/c'])
  assert.deepEqual(rig.warnings, ['transform failed', 'listener failed', 'listener failed'])
  off()
  await rig.stop()
})

test('a server that went back in time or silent is asked anew', async () => {
  const deadlines: (() => void)[] = []
  const manual: Clock = {
    ...clock,
    after: (milliseconds, task) => {
      if (milliseconds > 100_000) deadlines.push(task)
      return milliseconds > 100_000 ? () => undefined : systemClock.after(milliseconds, task)
    },
  }
  const rig = await setUp(['a', 'b'], { clock: manual })
  await rig.served.inject(
    `${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: '2' } } })}\n`,
  )
  while (rig.served.requests.filter((line) => line.includes('limit=')).length < 2) await systemClock.sleep(1)
  while (deadlines.length < 2) await systemClock.sleep(1)
  const watches = rig.served.requests.length
  deadlines.at(-1)?.()
  while (rig.served.requests.length === watches) await systemClock.sleep(1)
  assert.match(rig.served.requests.at(-1) ?? '', /watch=true&resourceVersion=3&/)
  assert.deepEqual(rig.warnings, ['server went back in time', 'server went silent'])
  await rig.stop()
})

test('a field selector the server does not know is dropped if it is optional', async () => {
  const api = createFakeApi({ clock })
  const served = await serveFakeApi({ client: api.client })
  served.answerNext(400, JSON.stringify({ kind: 'Status', code: 400, message: 'field label not supported' }))
  const abort = new AbortController()
  const informer = createInformer({
    client: connectApi({ server: `http://127.0.0.1:${served.port}`, namespace: 'x' }, { clock }),
    resource: SERVICES,
    fieldSelector: 'spec.clusterIP!=None',
    fieldSelectorOptional: true,
    clock,
    logger: silentLogger,
    signal: abort.signal,
  })
  await informer.synced
  assert.deepEqual(served.requests.slice(0, 2), [
    'GET /api/v1/services?fieldSelector=spec.clusterIP!%3DNone&limit=500',
    'GET /api/v1/services?limit=500',
  ])
  abort.abort()
  await served.close()
})

test('aborted before the first list: synced rejects, waitFor too', async () => {
  const abort = new AbortController()
  const informer = createInformer<ConfigMap>({
    client: connectApi({ server: 'http://127.0.0.1:1', namespace: 'x' }, { clock }),
    resource: CONFIGMAPS,
    clock,
    logger: silentLogger,
    signal: abort.signal,
  })
  const waiting = waitFor(informer, () => true)
  const late = waitFor(informer, () => true, { clock: systemClock, timeout: 5, what: 'the moon' })
  await assert.rejects(late, { code: 'SBX_WATCH_TIMEOUT', message: /the moon/ })
  abort.abort(new Error('stopped'))
  await assert.rejects(informer.synced, /stopped/)
  await assert.rejects(waiting, /stopped/)
})

test('resource versions compare as integers of any length', () => {
  assert.equal(isOlder('9', '10'), true)
  assert.equal(isOlder('10', '9'), false)
  assert.equal(isOlder('10', '10'), false)
  assert.equal(isOlder('99999999999999999998', '99999999999999999999'), true)
  assert.equal(isOlder('abc', '10'), false)
})

type Step = 'put' | 'delete' | 'reset' | 'end' | 'compact' | 'garbage' | 'cut' | 'error'

test('whatever interrupts, the informer ends with what the server has, told by its events', async () => {
  const step = fc.record({
    what: fc.constantFrom<Step>(
      'put',
      'put',
      'put',
      'delete',
      'delete',
      'reset',
      'end',
      'compact',
      'garbage',
      'cut',
      'error',
    ),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    pause: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const rig = await setUp(['a'], { pageSize: 2 })
      try {
        await followsThrough(rig, steps)
      } finally {
        await rig.stop()
      }
    }),
    { numRuns: 25 },
  )
})

async function followsThrough(
  rig: Rig,
  steps: readonly { readonly what: Step; readonly name: string; readonly pause: boolean }[],
): Promise<void> {
  const known = new Map<string, string | undefined>()
  for (const event of rig.events) known.set(event.key, event.after?.metadata.resourceVersion)
  rig.informer.onChange(({ key, before, after }) => {
    assert.equal(known.get(key), before?.metadata.resourceVersion)
    known.set(key, after?.metadata.resourceVersion)
  })
  for (const [i, { what, name, pause }] of steps.entries()) {
    await interrupt(rig, { what, name, value: String(i) })
    if (pause) await systemClock.sleep(1)
  }
  // The last write makes sure that a watch event or list is still to come, whatever state the loop is in.
  await rig.api.client.create(CONFIGMAPS, configMap('last'))
  await waitFor(rig.informer, (items) => (items.has('default/last') ? true : undefined))
  const { items } = await rig.api.client.list<ConfigMap>(CONFIGMAPS)
  assert.deepEqual(
    [...rig.informer.items.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    items,
  )
  for (const object of items) {
    assert.equal(known.get(`default/${object.metadata.name}`), object.metadata.resourceVersion)
  }
  assert.ok(!rig.warnings.includes('listener failed'))
}

async function interrupt(rig: Rig, step: { what: Step; name: string; value: string }): Promise<void> {
  const { client } = rig.api
  switch (step.what) {
    case 'put':
      await client
        .update(CONFIGMAPS, configMap(step.name, step.value))
        .catch(() => client.create(CONFIGMAPS, configMap(step.name, step.value)))
      return
    case 'delete':
      await client.delete(CONFIGMAPS, { name: step.name }).catch(() => undefined)
      return
    case 'reset':
      rig.served.reset()
      return
    case 'end':
      rig.served.endWatches()
      return
    case 'compact':
      rig.api.compact()
      return
    case 'garbage':
      await rig.served.inject('{"type":"ADDED","object":\n')
      return
    case 'cut':
      await rig.served.inject('{"type":"DELE')
      rig.served.reset()
      return
    case 'error':
      rig.served.answerNext(500, 'no')
  }
}
