import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import fc from 'fast-check'

import type { KubeObject } from '#api'
import { hasCode } from '#lib'
import { manualClock, memoryDatabase } from '../testing/index.ts'
import type { MemoryDatabase } from '../testing/index.ts'
import type { Store, StoreEvent } from './index.ts'
import { createStore } from './index.ts'

function object(name: string, data = ''): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'a' }, data } as KubeObject
}

function setup(): { store: Store; database: MemoryDatabase; commit: () => void; events: StoreEvent[] } {
  const tasks: (() => void)[] = []
  const database = memoryDatabase()
  const store = createStore({
    database,
    clock: manualClock(),
    defer: (task) => void tasks.push(task),
    window: { minEvents: 5, minAge: 0, maxBytes: 1_000_000 },
  })
  const events: StoreEvent[] = []
  store.subscribe('configmaps', (list) => void events.push(...list))
  return { store, database, events, commit: () => tasks.splice(0).forEach((task) => task()) }
}

function put(store: Store, name: string, options: { data?: string; expect?: number } = {}): ReturnType<Store['stage']> {
  const change = {
    resource: 'configmaps',
    key: `a/${name}`,
    object: object(name, options.data),
    expect: options.expect,
  }
  return store.stage([change])
}

describe('store', () => {
  it('shows a write to writers at once and to readers only after the commit', async () => {
    const { store, commit, events } = setup()
    const result = put(store, 'x', { expect: 0 })
    assert.ok('staged' in result)
    assert.equal(store.head('configmaps', 'a/x')?.revision, 2)
    assert.equal(store.table('configmaps').get('a/x'), undefined)
    assert.equal(store.revision, 1)
    commit()
    await result.committed
    assert.equal(store.table('configmaps').get('a/x')?.object.metadata.resourceVersion, '2')
    assert.equal(store.revision, 2)
    assert.deepEqual(
      events.map(({ type, revision }) => [type, revision]),
      [['ADDED', 2]],
    )
  })

  it('commits all writes of a tick as one batch that holds the last version of each key', () => {
    const { store, database, commit } = setup()
    put(store, 'x', { data: 'old' })
    put(store, 'x', { data: 'new' })
    put(store, 'y')
    store.stage([{ resource: 'configmaps', key: 'a/y', object: undefined, expect: undefined }])
    commit()
    assert.equal(database.batches.length, 1)
    assert.equal(database.batches[0]?.revision, 5)
    assert.deepEqual(
      database.batches[0]?.puts.map(({ key, revision }) => [key, revision]),
      [['a/x', 3]],
    )
    assert.deepEqual(
      database.batches[0]?.deletes.map(({ key }) => key),
      ['a/y'],
    )
  })

  it('compares and sets against head, all or nothing', () => {
    const { store, commit } = setup()
    put(store, 'x')
    assert.ok('conflict' in put(store, 'x', { expect: 0 }), 'exists already, though not committed')
    const both = store.stage([
      { resource: 'configmaps', key: 'a/z', object: object('z'), expect: 0 },
      { resource: 'configmaps', key: 'a/x', object: undefined, expect: 99 },
    ])
    assert.ok('conflict' in both)
    commit()
    assert.deepEqual(
      store
        .table('configmaps')
        .list()
        .map(({ key }) => key),
      ['a/x'],
    )
  })

  it('forgets a tick whose commit fails and never reuses its revisions', async () => {
    const { store, database, commit, events } = setup()
    database.failNext = true
    const failed = put(store, 'x')
    assert.ok('committed' in failed)
    commit()
    await assert.rejects(failed.committed, (error) => hasCode(error, 'SBX_STORE_COMMIT'))
    assert.equal(store.head('configmaps', 'a/x'), undefined)
    assert.equal(store.revision, 1)
    put(store, 'y')
    commit()
    assert.equal(store.revision, 3)
    assert.deepEqual(
      events.map(({ revision }) => revision),
      [3],
    )
  })

  it('gives deletions the last state with their own revision, and the state before', () => {
    const { store, commit, events } = setup()
    put(store, 'x', { data: 'last' })
    store.stage([{ resource: 'configmaps', key: 'a/x', object: undefined, expect: 2 }])
    commit()
    const deletion = events[1]
    assert.equal(deletion?.type, 'DELETED')
    assert.equal(deletion?.current.object.metadata.resourceVersion, '3')
    assert.equal(deletion?.previous?.object.metadata.resourceVersion, '2')
  })

  it('freezes what it stores', () => {
    const { store } = setup()
    put(store, 'x')
    const stored = store.head('configmaps', 'a/x')?.object as { metadata: { name: string } }
    assert.throws(() => (stored.metadata.name = 'y'), TypeError)
  })

  it('rebuilds older states inside the window and refuses those below its floor', () => {
    const { store, commit } = setup()
    for (let i = 0; i < 8; i += 1) {
      put(store, `o${i % 3}`, { data: String(i) })
      commit()
    }
    const table = store.table('configmaps')
    assert.equal(table.window.length, 5)
    assert.equal(table.listAt(3), undefined)
    // Revision 5 is i = 3: o0 was written again, o1 and o2 hold their first data.
    const data = table.listAt(5)?.map(({ object: found }) => (found as { data?: string }).data)
    assert.deepEqual(data, ['3', '1', '2'])
    assert.deepEqual(
      table.window.after(7)?.map(({ revision }) => revision),
      [8, 9],
    )
  })

  it('keeps key order and any past state under random writes', () => {
    const step = fc.record({ name: fc.integer({ min: 0, max: 6 }), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const window = { minEvents: 10, minAge: 0, maxBytes: 1_000_000 }
        const defer = (task: () => void): void => task()
        const store = createStore({ database: memoryDatabase(), clock: manualClock(), defer, window })
        const model = new Map<string, number>()
        const states = new Map<number, readonly string[]>([[1, []]])
        const keysAndRevisions = (): string[] => [...model].map(([key, revision]) => `${key}@${revision}`).sort()
        for (const { name, remove } of steps) {
          const key = `a/${name}`
          store.stage([
            { resource: 'configmaps', key, object: remove ? undefined : object(String(name)), expect: undefined },
          ])
          if (remove) model.delete(key)
          else model.set(key, store.revision)
          states.set(store.revision, keysAndRevisions())
        }
        const table = store.table('configmaps')
        for (const [revision, expected] of states) {
          const actual = table.listAt(revision)?.map(({ key, revision: own }) => `${key}@${own}`)
          assert.deepEqual(actual, revision < table.window.floor ? undefined : expected)
        }
      }),
    )
  })
})
