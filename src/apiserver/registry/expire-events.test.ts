import assert from 'node:assert/strict'
import { it } from 'node:test'

import { EVENTS } from '#api'
import { silentLogger } from '#lib'
import { createStore } from '../storage/index.ts'
import { manualClock, memoryDatabase, sampleKind, sampleKinds } from '../testing/index.ts'
import { createObject, createRegistry, expireEvents, patchObject } from './index.ts'

it('Events go an hour after they were last written, and nothing else does', async () => {
  const clock = manualClock()
  const events = sampleKind(EVENTS)
  const store = createStore({ database: memoryDatabase(), clock })
  const registry = createRegistry({ store, clock, kinds: [...sampleKinds(), events] })
  const options = { user: { name: 'tester', groups: [] }, dryRun: false, warn: () => undefined, manager: 'm' }
  const create = async (kind: typeof events, name: string, namespace?: string): Promise<unknown> =>
    createObject(registry, {
      kind,
      namespace,
      object: { apiVersion: 'v1', kind: kind.info.kind, metadata: { name, labels: { n: '1' } } },
      options,
    })
  const [namespaces, maps] = registry.kinds as readonly [typeof events, typeof events]
  await create(namespaces, 'default')
  await create(maps, 'kept', 'default')
  await create(events, 'old', 'default')
  await create(events, 'repeated', 'default')
  const stop = expireEvents(registry, 3600, silentLogger)
  const names = (): string[] =>
    store
      .table('events')
      .list()
      .map(({ object }) => object.metadata.name)
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

  clock.advance(1_800_000)
  await settle()
  await patchObject(registry, {
    kind: events,
    namespace: 'default',
    name: 'repeated',
    options,
    patchKind: 'merge',
    patch: { metadata: { labels: { n: '2' } } },
    fieldValidation: 'Ignore',
  })
  assert.deepEqual(names(), ['old', 'repeated'])
  clock.advance(1_860_000)
  await settle()
  assert.deepEqual(names(), ['repeated'])
  clock.advance(1_800_000)
  await settle()
  assert.deepEqual(names(), [])
  assert.equal(store.table('configmaps').list().length, 1)
  stop()
})
