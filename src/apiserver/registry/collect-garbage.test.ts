/** Owners and dependents (api-server.md 11). */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'node:test'

import type { KubeObject } from '#api'
import { silentLogger } from '#lib'
import type { Fixture } from '../testing/index.ts'
import { fixture } from '../testing/index.ts'
import { collectGarbage, deleteObject } from './index.ts'

const owner = (object: KubeObject, rest: object = {}): object => ({
  apiVersion: 'v1',
  kind: object.kind,
  name: object.metadata.name,
  uid: object.metadata.uid,
  ...rest,
})

async function settled(f: Fixture): Promise<string[]> {
  for (let i = 0; i < 20; i += 1) await turn()
  return f.registry.reader.list(f.kind('ConfigMap').info).map(({ metadata }) => metadata.name)
}

async function remove(f: Fixture, name: string, propagationPolicy: string): Promise<void> {
  const target = { kind: f.kind('ConfigMap'), namespace: 'default', name }
  await deleteObject(f.registry, { ...target, deletion: { propagationPolicy }, options: f.options })
}

async function family(f: Fixture, rest: object = {}): Promise<void> {
  const parent = await f.create('ConfigMap', { metadata: { name: 'parent' } })
  await f.create('ConfigMap', { metadata: { name: 'child', ownerReferences: [owner(parent, rest)] } })
}

describe('garbage collection', () => {
  it('removes dependents in the background, down the tree', async () => {
    const f = await fixture()
    collectGarbage(f.registry, silentLogger)
    await family(f)
    const child = f.registry.reader.get(f.kind('ConfigMap').info, { namespace: 'default', name: 'child' }) as KubeObject
    await f.create('ConfigMap', { metadata: { name: 'grandchild', ownerReferences: [owner(child)] } })
    assert.equal((await settled(f)).length, 3)
    await remove(f, 'parent', 'Background')
    assert.deepEqual(await settled(f), [])
  })

  it('keeps a dependent that has another owner, without the dead reference', async () => {
    const f = await fixture()
    collectGarbage(f.registry, silentLogger)
    const a = await f.create('ConfigMap', { metadata: { name: 'a' } })
    const b = await f.create('ConfigMap', { metadata: { name: 'b' } })
    await f.create('ConfigMap', { metadata: { name: 'child', ownerReferences: [owner(a), owner(b)] } })
    await remove(f, 'a', 'Background')
    assert.deepEqual(await settled(f), ['b', 'child'])
    const child = f.registry.reader.get(f.kind('ConfigMap').info, { namespace: 'default', name: 'child' })
    assert.deepEqual(
      child?.metadata.ownerReferences?.map(({ name }) => name),
      ['b'],
    )
  })

  it('orphans on request', async () => {
    const f = await fixture()
    collectGarbage(f.registry, silentLogger)
    await family(f)
    await remove(f, 'parent', 'Orphan')
    assert.deepEqual(await settled(f), ['child'])
    const child = f.registry.reader.get(f.kind('ConfigMap').info, { namespace: 'default', name: 'child' })
    assert.equal(child?.metadata.ownerReferences, undefined)
  })

  it('deletes in the foreground and ends, blocking dependents first', async () => {
    const f = await fixture()
    collectGarbage(f.registry, silentLogger)
    await family(f, { blockOwnerDeletion: true })
    const order = f.watch('ConfigMap', { resourceVersion: String(f.registry.store.revision) })
    await remove(f, 'parent', 'Foreground')
    assert.deepEqual(await settled(f), [])
    const gone = order.notices.flatMap((notice) =>
      notice.type === 'DELETED' ? [notice.stored.object.metadata.name] : [],
    )
    assert.deepEqual(gone, ['child', 'parent'])
  })

  it('deletes a dependent whose owner does not exist', async () => {
    const f = await fixture()
    collectGarbage(f.registry, silentLogger)
    const ghost = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: 'nobody' }
    await f.create('ConfigMap', { metadata: { name: 'child', ownerReferences: [ghost] } })
    assert.deepEqual(await settled(f), [])
  })
})
