/** Create, update, patch and delete (api-server.md 8, 9, 11). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { KubeObject } from '#api'
import type { Fixture } from '../testing/index.ts'
import { fixture, refusal } from '../testing/index.ts'
import type { PatchKind, UpdateAnswer } from './index.ts'
import { deleteObject, deletionAnswer, patchObject, updateObject } from './index.ts'

type Any = KubeObject & { spec?: Record<string, unknown>; status?: unknown; data?: unknown }

const service = (rest: object = {}): object => ({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] }, ...rest })

function put(f: Fixture, of: string, ...[object, rest = {}]: [object, object?]): Promise<UpdateAnswer> {
  const kind = f.kind(of)
  const { name } = (object as KubeObject).metadata
  const target = { kind, namespace: kind.info.namespaced ? 'default' : undefined, name }
  const change = (): KubeObject => object as KubeObject
  return updateObject(f.registry, { ...target, options: f.options, mayCreate: kind.createOnUpdate, change, ...rest })
}

function patch(f: Fixture, patchKind: PatchKind, body: unknown): Promise<UpdateAnswer> {
  const target = { kind: f.kind('Service'), namespace: 'default', name: 'web' }
  return patchObject(f.registry, { ...target, options: f.options, patchKind, patch: body, fieldValidation: 'Ignore' })
}

function remove(f: Fixture, of: string, ...[name, deletion = {}]: [string, object?]): ReturnType<typeof deleteObject> {
  const kind = f.kind(of)
  const namespace = kind.info.namespaced ? 'default' : undefined
  return deleteObject(f.registry, { kind, namespace, name, deletion, options: f.options })
}

const revision = (f: Fixture): number => f.registry.store.revision

describe('create', () => {
  it('stamps identity, ignores what the client sent of it, and counts generation where the kind has one', async () => {
    const f = await fixture()
    const sent = {
      name: 'web',
      uid: 'mine',
      creationTimestamp: '1999-01-01T00:00:00Z',
      deletionTimestamp: '1999-01-01T00:00:00Z',
    }
    const made = await f.create('Service', service({ metadata: sent }))
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/)
    assert.equal(made.metadata.creationTimestamp, '2026-01-01T00:00:00Z')
    assert.equal(made.metadata.deletionTimestamp, undefined)
    assert.equal(made.metadata.generation, 1)
    assert.equal(made.metadata.resourceVersion, String(revision(f)))
    assert.equal((await f.create('ConfigMap', { metadata: { name: 'c' } })).metadata.generation, undefined)
  })

  it('completes generateName and keeps it', async () => {
    const f = await fixture()
    const made = await f.create('ConfigMap', { metadata: { generateName: 'x-' } })
    assert.match(made.metadata.name, /^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    assert.equal(made.metadata.generateName, 'x-')
  })

  it('refuses duplicates, foreign namespaces, missing and terminating namespaces', async () => {
    const f = await fixture()
    await f.create('ConfigMap', { metadata: { name: 'c' } })
    const twice = await refusal(() => f.create('ConfigMap', { metadata: { name: 'c' } }))
    assert.equal(`${twice.code} ${twice.reason} ${twice.message}`, '409 AlreadyExists configmaps "c" already exists')
    assert.deepEqual(twice.details, { name: 'c', kind: 'configmaps' })
    const foreign = await refusal(() => f.create('ConfigMap', { metadata: { name: 'd', namespace: 'other' } }))
    assert.equal(foreign.code, 400)
    const missing = await refusal(() => f.create('ConfigMap', { metadata: { name: 'd' } }, 'nope'))
    assert.equal(`${missing.code} ${missing.message}`, '404 namespaces "nope" not found')
    await remove(f, 'Namespace', 'default')
    const terminating = await refusal(() => f.create('ConfigMap', { metadata: { name: 'd' } }))
    assert.equal(terminating.code, 403)
    assert.equal(terminating.details?.causes?.[0]?.reason, 'NamespaceTerminating')
  })

  it('answers validation errors in upstream form, one or several', async () => {
    const f = await fixture()
    const one = await refusal(() => f.create('Service', service({ spec: { ports: [{ port: 0 }] } })))
    const text = 'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'
    assert.equal(one.message, `Service "web" is invalid: ${text}`)
    assert.equal(one.code, 422)
    assert.deepEqual(one.details?.causes, [
      { reason: 'FieldValueInvalid', message: text.slice(20), field: 'spec.ports[0].port' },
    ])
    const two = await refusal(() => f.create('Service', service({ spec: { ports: [{ port: 0 }, { port: 0 }] } })))
    assert.equal(two.message, `Service "web" is invalid: [${text}, ${text.replace('[0]', '[1]')}]`)
  })

  it('stores nothing and takes no revision and no address on a dry run', async () => {
    const f = await fixture()
    const before = revision(f)
    const dry = { ...f, options: { ...f.options, dryRun: true } }
    const { answer } = await put(dry, 'Service', service())
    assert.equal((answer.object as Any).spec?.['clusterIP'], '10.0.0.1')
    assert.equal(revision(f), before)
    assert.equal(((await f.create('Service', service())) as Any).spec?.['clusterIP'], '10.0.0.1')
  })
})

describe('update', () => {
  it('makes a new revision and generation for a change, and none for a write that changes nothing', async () => {
    const f = await fixture()
    const made = (await f.create('Service', service())) as Any
    const events = f.watch('Service', { resourceVersion: String(revision(f)) })
    const same = await put(f, 'Service', made)
    assert.equal(same.answer.object.metadata.resourceVersion, made.metadata.resourceVersion)
    const labelled = { ...made, metadata: { ...made.metadata, labels: { a: 'b' } } }
    const changed = (await put(f, 'Service', labelled)).answer.object
    assert.equal(changed.metadata.generation, 1, 'labels are not spec')
    const ports = { ...changed, spec: { ...made.spec, ports: [{ port: 81 }] } }
    assert.equal((await put(f, 'Service', ports)).answer.object.metadata.generation, 2)
    assert.equal(events.notices.length, 2)
  })

  it('is a compare-and-set with resourceVersion, and unconditional without where the kind allows it', async () => {
    const f = await fixture()
    const made = (await f.create('Service', service())) as Any
    await put(f, 'Service', { ...made, metadata: { name: 'web', labels: { a: '1' } } })
    const stale = await refusal(() => put(f, 'Service', made))
    assert.equal(stale.code, 409)
    assert.match(
      stale.message ?? '',
      /^Operation cannot be fulfilled on services "web": the object has been modified; /,
    )
    await put(f, 'Lease', { metadata: { name: 'l' } })
    const blind = await refusal(() => put(f, 'Lease', { metadata: { name: 'l', labels: { a: 'b' } } }))
    assert.match(blind.message ?? '', /metadata.resourceVersion: .*must be specified for an update/)
    const wrongUid = await refusal(() => put(f, 'Service', { ...made, metadata: { name: 'web', uid: 'x' } }))
    assert.equal(wrongUid.code, 409)
  })

  it('creates a missing object where the kind says so and refuses a name that is not the path’s', async () => {
    const f = await fixture()
    assert.equal((await put(f, 'Service', service())).created, true)
    assert.equal((await refusal(() => put(f, 'ConfigMap', { metadata: { name: 'no' } }))).code, 404)
    const renamed = await refusal(() => put(f, 'Service', service(), { name: 'other' }))
    assert.equal(renamed.message, 'the name of the object (web) does not match the name on the URL (other)')
  })

  it('keeps status and spec apart by path', async () => {
    const f = await fixture()
    const made = (await f.create('Service', service())) as Any
    const ignored = await put(f, 'Service', { ...made, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } })
    assert.equal((ignored.answer.object as Any).status, undefined)
    const status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } }
    const both = { ...made, spec: { ports: [{ port: 99 }] }, status }
    const written = (await put(f, 'Service', both, { subresource: 'status' })).answer.object as Any
    assert.deepEqual(written.status, status)
    assert.deepEqual(written.spec?.['ports'], [{ port: 80 }])
    assert.equal(written.metadata.generation, 1)
  })
})

describe('patch', () => {
  it('applies the three kinds to the object at head', async () => {
    const f = await fixture()
    await f.create('Service', service())
    await patch(f, 'merge', { metadata: { labels: { a: '1', b: '2' } } })
    await patch(f, 'json', [{ op: 'remove', path: '/metadata/labels/a' }])
    const { answer } = await patch(f, 'strategic', { metadata: { labels: { c: '3' } } })
    assert.deepEqual(answer.object.metadata.labels, { b: '2', c: '3' })
  })

  it('is a compare-and-set when the patch carries a resourceVersion', async () => {
    const f = await fixture()
    const made = await f.create('Service', service())
    await patch(f, 'merge', { metadata: { labels: { a: '1' } } })
    const { resourceVersion } = made.metadata
    const stale = await refusal(() => patch(f, 'merge', { metadata: { resourceVersion, labels: { a: '2' } } }))
    assert.equal(stale.code, 409)
  })
})

describe('delete', () => {
  it('answers with the object or a Status, as the kind says', async () => {
    const f = await fixture()
    const made = await f.create('ConfigMap', { metadata: { name: 'c' } })
    await f.create('Service', service())
    const target = { kind: f.kind('ConfigMap'), namespace: 'default', name: 'c' }
    const status = deletionAnswer(target, await remove(f, 'ConfigMap', 'c'))
    assert.deepEqual('details' in status && status.details, { name: 'c', kind: 'configmaps', uid: made.metadata.uid })
    const answer = deletionAnswer({ ...target, kind: f.kind('Service') }, await remove(f, 'Service', 'web'))
    assert.ok('object' in answer)
    assert.equal((await refusal(() => remove(f, 'Service', 'web'))).code, 404)
  })

  it('marks an object with finalizers, and the write that takes the last one deletes it', async () => {
    const f = await fixture()
    await f.create('ConfigMap', { metadata: { name: 'c', finalizers: ['x.y/z'] } })
    const first = await remove(f, 'ConfigMap', 'c')
    assert.equal(first.gone, false)
    assert.equal(first.last.object.metadata.deletionGracePeriodSeconds, 0)
    const again = await remove(f, 'ConfigMap', 'c')
    assert.equal(again.last.object.metadata.resourceVersion, first.last.object.metadata.resourceVersion)
    const events = f.watch('ConfigMap', { resourceVersion: String(revision(f)) })
    await put(f, 'ConfigMap', { metadata: { name: 'c', finalizers: [] } })
    assert.deepEqual(
      events.notices.map(({ type }) => type),
      ['DELETED'],
    )
  })

  it('keeps a pod through its grace period until somebody deletes it with none', async () => {
    const f = await fixture()
    await f.create('Pod', { metadata: { name: 'p' }, spec: { nodeName: 'n' } })
    const first = await remove(f, 'Pod', 'p')
    assert.equal(first.last.object.metadata.deletionGracePeriodSeconds, 30)
    await put(
      f,
      'Pod',
      { metadata: { name: 'p' }, spec: { nodeName: 'n' }, status: { phase: 'Running' } },
      { subresource: 'status' },
    )
    assert.equal((await remove(f, 'Pod', 'p', { gracePeriodSeconds: 0 })).gone, true)
  })

  it('holds a namespace until its finalizer is taken through /finalize', async () => {
    const f = await fixture()
    await f.create('Namespace', { metadata: { name: 'ns' } })
    assert.equal((await remove(f, 'Namespace', 'ns')).gone, false)
    const kind = f.kind('Namespace')
    const change = (old: KubeObject | undefined): KubeObject =>
      ({ ...(old as Any), spec: { finalizers: [] } }) as KubeObject
    const target = { kind, namespace: undefined, name: 'ns', mayCreate: false }
    await updateObject(f.registry, { ...target, options: f.options, change })
    assert.ok(f.registry.reader.get(kind.info, { name: 'ns' }), 'the main resource cannot take it')
    await updateObject(f.registry, { ...target, subresource: 'finalize', options: f.options, change })
    assert.equal(f.registry.reader.get(kind.info, { name: 'ns' }), undefined)
  })

  it('checks preconditions and the propagation policy', async () => {
    const f = await fixture()
    await f.create('Service', service())
    const uid = await refusal(() => remove(f, 'Service', 'web', { preconditions: { uid: '123' } }))
    assert.match(
      uid.message ?? '',
      /^Operation cannot be fulfilled on Service "web": the UID in the precondition \(123\)/,
    )
    const policy = await refusal(() => remove(f, 'Service', 'web', { propagationPolicy: 'Maybe' }))
    assert.equal(policy.code, 422)
    assert.match(policy.message ?? '', /supported values: "Background", "Foreground", "Orphan", "nil"/)
  })

  it('gives addresses back once the deletion is on disk', async () => {
    const f = await fixture()
    await f.create('Service', service())
    await remove(f, 'Service', 'web')
    assert.equal(((await f.create('Service', service())) as Any).spec?.['clusterIP'], '10.0.0.1')
  })
})
