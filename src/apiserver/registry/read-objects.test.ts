/** Lists and watches (api-server.md 7). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { KubeObject } from '#api'
import type { Fixture } from '../testing/index.ts'
import { briefly, fixture, refusal } from '../testing/index.ts'
import type { ListAnswer, ListRequest } from './index.ts'
import { deleteObject, getObject, listObjects, updateObject } from './index.ts'

const SMALL = { minEvents: 3, minAge: 0, maxBytes: 1_000_000 }

function list(f: Fixture, rest: Partial<ListRequest> = {}): Promise<ListAnswer> {
  const blank = { namespace: undefined, labelSelector: '', fieldSelector: '', limit: 0, continueText: '' }
  const revision = { resourceVersion: '', resourceVersionMatch: '' }
  return listObjects(f.registry, { ...blank, ...revision, kind: f.kind('ConfigMap'), ...rest })
}

const names = (answer: ListAnswer): string[] => answer.items.map(({ key }) => key)

async function label(f: Fixture, name: string, labels: Record<string, string>): Promise<void> {
  const target = { kind: f.kind('ConfigMap'), namespace: 'default', name }
  const change = (old: KubeObject | undefined): KubeObject =>
    ({ ...old, metadata: { ...old?.metadata, labels } }) as KubeObject
  await updateObject(f.registry, { ...target, options: f.options, mayCreate: false, change })
}

async function withMaps(count: number, window = SMALL): Promise<Fixture> {
  const f = await fixture(window)
  for (let i = 0; i < count; i += 1)
    await f.create('ConfigMap', { metadata: { name: `c${i}`, labels: { i: String(i) } } })
  return f
}

async function remove(f: Fixture, name: string): Promise<void> {
  const target = { kind: f.kind('ConfigMap'), namespace: 'default', name }
  await deleteObject(f.registry, { ...target, deletion: {}, options: f.options })
}

describe('list', () => {
  it('orders by namespace and name, selects by labels and fields, and carries the store’s revision', async () => {
    const f = await withMaps(3)
    assert.deepEqual(names(await list(f)), ['default/c0', 'default/c1', 'default/c2'])
    assert.deepEqual(names(await list(f, { labelSelector: 'i notin (0,2)' })), ['default/c1'])
    assert.deepEqual(names(await list(f, { fieldSelector: 'metadata.name!=c1' })), ['default/c0', 'default/c2'])
    assert.equal((await list(f)).metadata.resourceVersion, String(f.registry.store.revision))
    const unknown = await refusal(() => list(f, { fieldSelector: 'spec.foo=1' }))
    assert.equal(`${unknown.code} ${unknown.message}`, '400 field label not supported: spec.foo')
  })

  it('reads all pages at the revision of the first', async () => {
    const f = await withMaps(4)
    const first = await list(f, { limit: 2 })
    assert.equal(first.metadata.remainingItemCount, 2)
    await remove(f, 'c3')
    await f.create('ConfigMap', { metadata: { name: 'c2a' } })
    const second = await list(f, { limit: 2, continueText: first.metadata.continue ?? '' })
    assert.deepEqual(names(second), ['default/c2', 'default/c3'])
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    assert.equal(second.metadata.continue, undefined)
  })

  it('answers a page that comes too late with 410 and a token that continues at head', async () => {
    const f = await withMaps(4)
    const first = await list(f, { limit: 2 })
    for (let i = 0; i < 5; i += 1) await label(f, 'c0', { v: String(i) })
    const late = await refusal(() => list(f, { limit: 2, continueText: first.metadata.continue ?? '' }))
    assert.equal(`${late.code} ${late.reason}`, '410 Expired')
    const rest = await list(f, { continueText: late.metadata.continue ?? '' })
    assert.deepEqual(names(rest), ['default/c2', 'default/c3'])
  })

  it('serves Exact from the window and refuses what is below it', async () => {
    const f = await withMaps(2)
    const then = (await list(f)).metadata.resourceVersion
    await remove(f, 'c1')
    const exact = await list(f, { resourceVersion: then, resourceVersionMatch: 'Exact' })
    assert.deepEqual(names(exact), ['default/c0', 'default/c1'])
    assert.equal(exact.metadata.resourceVersion, then)
    for (let i = 0; i < 5; i += 1) await label(f, 'c0', { v: String(i) })
    const old = await refusal(() => list(f, { resourceVersion: then, resourceVersionMatch: 'Exact' }))
    assert.equal(`${old.code} ${old.message}`, '410 The resourceVersion for the provided list is too old.')
  })

  it('refuses option combinations as upstream does', async () => {
    const f = await withMaps(0)
    const alone = await refusal(() => list(f, { resourceVersionMatch: 'Exact' }))
    assert.equal(
      alone.message,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
    assert.equal((await refusal(() => list(f, { resourceVersionMatch: 'Exact', resourceVersion: '0' }))).code, 422)
    assert.equal((await refusal(() => list(f, { resourceVersion: 'abc' }))).code, 400)
    assert.equal((await refusal(() => list(f, { continueText: '!!' }))).code, 400)
  })

  it('waits for a revision that is to come, and gives up with 504', async () => {
    const f = await withMaps(0)
    const next = f.registry.store.revision + 1
    const waiting = list(f, { resourceVersion: String(next) })
    await f.create('ConfigMap', { metadata: { name: 'late' } })
    assert.deepEqual(names(await waiting), ['default/late'])
    const target = { kind: f.kind('ConfigMap'), namespace: 'default', name: 'late' }
    const never = refusal(() => getObject(f.registry, target, '999'))
    f.clock.advance(3_000)
    const status = await never
    assert.equal(`${status.code} ${status.message}`, `504 Timeout: Too large resource version: 999, current: ${next}`)
    assert.equal(status.details?.causes?.[0]?.reason, 'ResourceVersionTooLarge')
  })
})

describe('watch', () => {
  it('replays state without a revision and only what came after one with it', async () => {
    const f = await withMaps(2)
    const all = f.watch('ConfigMap')
    const since = f.watch('ConfigMap', { resourceVersion: String(f.registry.store.revision - 1) })
    await remove(f, 'c0')
    assert.deepEqual(briefly(all.notices), ['ADDED c0@3', 'ADDED c1@4', 'DELETED c0@5'])
    assert.deepEqual(briefly(since.notices), ['ADDED c1@4', 'DELETED c0@5'])
  })

  it('turns selector transitions into ADDED and DELETED with the new revision', async () => {
    const f = await withMaps(1)
    const seen = f.watch('ConfigMap', { labelSelector: 'on=yes' })
    await label(f, 'c0', { on: 'yes' })
    await label(f, 'c0', { on: 'yes', more: '1' })
    await label(f, 'c0', { on: 'no' })
    await remove(f, 'c0')
    assert.deepEqual(briefly(seen.notices), ['ADDED c0@4', 'MODIFIED c0@5', 'DELETED c0@6'])
    const left = seen.notices[2]
    assert.ok(left?.type === 'DELETED')
    assert.deepEqual(left.stored.object.metadata.labels, { on: 'yes', more: '1' }, 'the last state that matched')
  })

  it('answers a revision below the window with one ERROR event and the end', async () => {
    const f = await withMaps(6)
    const old = f.watch('ConfigMap', { resourceVersion: '3' })
    assert.deepEqual(briefly(old.notices), ['ERROR 410 too old resource version: 3 (5)'])
    assert.equal(old.ended, true)
  })

  it('ends at its deadline, with bookmarks each minute and shortly before', async () => {
    const f = await withMaps(0)
    const seen = f.watch('ConfigMap', { allowBookmarks: true, timeoutSeconds: 90 })
    f.clock.advance(60_000)
    assert.deepEqual(briefly(seen.notices), ['BOOKMARK @2'])
    f.clock.advance(28_000)
    assert.equal(seen.notices.length, 2)
    assert.equal(seen.ended, false)
    f.clock.advance(2_000)
    assert.equal(seen.ended, true)
    await f.create('ConfigMap', { metadata: { name: 'after' } })
    assert.equal(seen.notices.length, 2)
  })

  it('streams a list: state, the marked bookmark, then changes', async () => {
    const f = await withMaps(1)
    const options = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowBookmarks: true }
    const seen = f.watch('ConfigMap', options)
    await f.create('ConfigMap', { metadata: { name: 'x' } })
    assert.deepEqual(briefly(seen.notices), ['ADDED c0@3', 'BOOKMARK initial-end @3', 'ADDED x@4'])
    const missing = await refusal(() => f.watch('ConfigMap', { sendInitialEvents: true }))
    assert.match(missing.message ?? '', /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/)
  })

  it('watches one object by name or by field selector', async () => {
    const f = await withMaps(2)
    const byPath = f.watch('ConfigMap', { namespace: 'default', name: 'c1' })
    const byField = f.watch('ConfigMap', { fieldSelector: 'metadata.name=c1' })
    await label(f, 'c0', {})
    await label(f, 'c1', {})
    assert.deepEqual(briefly(byPath.notices), ['ADDED c1@4', 'MODIFIED c1@6'])
    assert.deepEqual(briefly(byField.notices), briefly(byPath.notices))
  })
})
