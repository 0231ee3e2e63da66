/** Server-side apply and field ownership (api-server.md 10.3). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { KubeObject, Service } from '#api'
import type { Fixture } from '../testing/index.ts'
import { fixture, refusal } from '../testing/index.ts'
import { applyObject, createObject, patchObject, updateObject } from './index.ts'

type Ports = readonly Record<string, unknown>[]

function apply(
  f: Fixture,
  manager: string,
  ...[rest, force = false]: [object, boolean?]
): ReturnType<typeof applyObject> {
  const applied = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, ...rest } as KubeObject
  const target = { kind: f.kind('Service'), namespace: 'default', name: 'web' }
  return applyObject(f.registry, { ...target, applied, force, options: { ...f.options, manager } })
}

function merge(f: Fixture, manager: string, patch: unknown): ReturnType<typeof patchObject> {
  const target = { kind: f.kind('Service'), namespace: 'default', name: 'web' }
  const options = { ...f.options, manager }
  return patchObject(f.registry, { ...target, options, patchKind: 'merge', patch, fieldValidation: 'Ignore' })
}

const spec = (...ports: Ports): object => ({ spec: { ports } })
const live = (f: Fixture): Service =>
  f.registry.reader.get(f.kind('Service').info, { namespace: 'default', name: 'web' }) as Service
const owners = (f: Fixture): string[] =>
  (live(f).metadata.managedFields ?? []).map((e) => `${e.manager} ${e.operation}`)
const fieldsOf = (f: Fixture, manager: string): unknown =>
  live(f).metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1

describe('server-side apply', () => {
  it('creates, records who owns what in upstream’s form, and leaves allocated values to nobody', async () => {
    const f = await fixture()
    const { created } = await apply(f, 'a', { spec: { selector: { app: 'web' }, ports: [{ port: 80, name: 'http' }] } })
    assert.equal(created, true)
    assert.ok(live(f).spec.clusterIP)
    const port = { '.': {}, 'f:name': {}, 'f:port': {} }
    assert.deepEqual(fieldsOf(f, 'a'), {
      'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': port }, 'f:selector': {} },
    })
  })

  it('keeps the revision when nothing changes', async () => {
    const f = await fixture()
    await apply(f, 'a', spec({ port: 80 }))
    const { resourceVersion } = live(f).metadata
    f.clock.advance(5_000)
    await apply(f, 'a', spec({ port: 80 }))
    assert.equal(live(f).metadata.resourceVersion, resourceVersion)
  })

  it('merges keyed lists of several managers and takes out what its manager no longer applies', async () => {
    const f = await fixture()
    await apply(f, 'a', { metadata: { name: 'web', labels: { x: '1', y: '2' } }, ...spec({ port: 80 }, { port: 81 }) })
    await apply(f, 'b', { metadata: { name: 'web', labels: { y: '2' } }, ...spec({ port: 443 }) })
    assert.deepEqual(
      live(f).spec.ports?.map(({ port }) => port),
      [80, 81, 443],
    )
    await apply(f, 'a', spec({ port: 80 }))
    assert.deepEqual(
      live(f).spec.ports?.map(({ port }) => port),
      [80, 443],
    )
    assert.deepEqual(live(f).metadata.labels, { y: '2' }, 'y is b’s as well')
  })

  it('refuses to change what another manager owns, unless forced', async () => {
    const f = await fixture()
    await apply(f, 'm1', { metadata: { name: 'web', labels: { a: '1' } }, ...spec({ port: 80 }) })
    const status = await refusal(() => apply(f, 'm2', { metadata: { name: 'web', labels: { a: '2' } } }))
    assert.equal(status.code, 409)
    assert.equal(status.message, 'Apply failed with 1 conflict: conflict with "m1": .metadata.labels.a')
    const cause = { reason: 'FieldManagerConflict', message: 'conflict with "m1"', field: '.metadata.labels.a' }
    assert.deepEqual(status.details?.causes, [cause])
    await apply(f, 'm2', { metadata: { name: 'web', labels: { a: '1' } } })
    assert.deepEqual(owners(f), ['m1 Apply', 'm2 Apply'], 'the same value is shared')
    await apply(f, 'm2', { metadata: { name: 'web', labels: { a: '2' } } }, true)
    assert.equal(live(f).metadata.labels?.['a'], '2')
    assert.equal(JSON.stringify(fieldsOf(f, 'm1')).includes('labels'), false)
  })

  it('moves fields to whoever updates them, and conflicts with them afterwards', async () => {
    const f = await fixture()
    await apply(f, 'a', { metadata: { name: 'web', labels: { x: '1' } }, ...spec({ port: 80 }) })
    await merge(f, 'editor', { metadata: { labels: { x: '9' } } })
    assert.deepEqual(fieldsOf(f, 'editor'), { 'f:metadata': { 'f:labels': { 'f:x': {} } } })
    assert.equal(JSON.stringify(fieldsOf(f, 'a')).includes('labels'), false)
    const status = await refusal(() =>
      apply(f, 'a', { metadata: { name: 'web', labels: { x: '1' } }, ...spec({ port: 80 }) }),
    )
    assert.match(status.message ?? '', /conflict with "editor" using v1: \.metadata\.labels\.x/)
  })

  it('gives what was there before the first apply to before-first-apply', async () => {
    const f = await fixture()
    await f.create('Service', { metadata: { name: 'web', labels: { x: '1' } }, ...spec({ port: 80 }) })
    await merge(f, 'resetter', { metadata: { managedFields: [] } })
    assert.deepEqual(owners(f), [], 'an empty list resets')
    await merge(f, 'late', { metadata: { labels: { y: '1' } } })
    assert.deepEqual(owners(f), [], 'and who only updates does not start it anew')
    const status = await refusal(() => apply(f, 'a', { metadata: { name: 'web', labels: { x: '2' } } }))
    assert.match(status.message ?? '', /conflict with "before-first-apply" using v1/)
    await apply(f, 'a', { metadata: { name: 'web', labels: { x: '1' } } })
    assert.deepEqual(owners(f), ['a Apply', 'before-first-apply Update'])
  })

  it('keeps managedFields over a PUT that leaves them out', async () => {
    const f = await fixture()
    await apply(f, 'a', spec({ port: 80 }))
    const { managedFields: _gone, ...metadata } = live(f).metadata
    const target = { kind: f.kind('Service'), namespace: 'default', name: 'web' }
    const change = (): KubeObject => ({ ...live(f), metadata: { ...metadata, labels: { n: '1' } } })
    await updateObject(f.registry, { ...target, options: { ...f.options, manager: 'put' }, mayCreate: false, change })
    assert.deepEqual(owners(f), ['a Apply', 'put Update'])
  })

  it('refuses managedFields in the body, other names, stale revisions and duplicate items', async () => {
    const f = await fixture()
    await apply(f, 'a', spec({ port: 80 }))
    const code = async (object: object): Promise<number | undefined> =>
      (await refusal(() => apply(f, 'a', object))).code
    assert.equal(await code({ metadata: { name: 'web', managedFields: [{}] } }), 400)
    assert.equal(await code({ metadata: { name: 'other' } }), 400)
    assert.equal(await code({ metadata: { name: 'web', resourceVersion: '1' } }), 409)
    const twice = await refusal(() => apply(f, 'a', spec({ port: 80 }, { port: 80, protocol: 'TCP' })))
    assert.equal(
      twice.message,
      'failed to create typed patch object (default/web; v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    )
  })

  it('tracks creators and updaters: what they ask for is theirs, what the server fills in is nobody’s', async () => {
    const f = await fixture()
    const target = { kind: f.kind('Service'), namespace: 'default', name: 'web' }
    const object = { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] }, status: { loadBalancer: {} } }
    await createObject(f.registry, {
      ...target,
      object: object as unknown as KubeObject,
      options: { ...f.options, manager: 'maker' },
    })
    const port = { '.': {}, 'f:port': {} }
    const made = { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': port }, 'f:type': {} } }
    assert.deepEqual(fieldsOf(f, 'maker'), made, 'defaults are asked for, addresses and status are not')
    const status = await refusal(() => apply(f, 'a', { spec: { type: 'NodePort' } }))
    assert.match(status.message ?? '', /conflict with "maker" using v1: \.spec\.type/)
    await merge(f, 'editor', { spec: { type: 'NodePort' } })
    assert.equal(JSON.stringify(fieldsOf(f, 'maker')).includes('f:type'), false)
    await merge(f, 'editor', { metadata: { labels: { a: '1' } } })
    assert.deepEqual(fieldsOf(f, 'editor'), { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:type': {} } })
    await merge(f, 'other', { metadata: { labels: { a: null } } })
    assert.deepEqual(fieldsOf(f, 'editor'), { 'f:spec': { 'f:type': {} } }, 'what is gone belongs to nobody')
    const subresource = 'status'
    const change = (old: KubeObject | undefined): KubeObject =>
      ({ ...(old as Service), status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } }) as KubeObject
    await updateObject(f.registry, {
      ...target,
      subresource,
      options: { ...f.options, manager: 'editor' },
      mayCreate: false,
      change,
    })
    const entries = (live(f).metadata.managedFields ?? []).filter(({ manager }) => manager === 'editor')
    assert.deepEqual(
      entries.map((entry) => entry.subresource),
      [undefined, 'status'],
      'subresources are managers of their own',
    )
  })

  it('takes the oldest of more than ten updaters together', async () => {
    const f = await fixture()
    await f.create('Service', { metadata: { name: 'web' }, ...spec({ port: 80 }) })
    for (let i = 0; i < 14; i += 1) {
      f.clock.advance(1_000)
      await merge(f, `m${i}`, { metadata: { labels: { [`l${i}`]: 'x' } } })
    }
    assert.equal(owners(f).length, 10)
    assert.ok(owners(f).includes('ancient-changes Update') && owners(f).includes('m13 Update'))
    assert.ok(!owners(f).includes('m4 Update'))
    assert.match(JSON.stringify(fieldsOf(f, 'ancient-changes')), /"f:l0".*"f:l4"/)
  })

  it('lets kubectl go on with what kubectl applied on the client, and keeps its annotation up to date', async () => {
    const f = await fixture()
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
    const applied = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', labels: { a: '1', b: '1' } },
      ...spec({ port: 80 }),
    }
    const metadata = { ...applied.metadata, annotations: { [annotation]: JSON.stringify(applied) } }
    await f.create('Service', { ...applied, metadata })
    await merge(f, 'editor', { metadata: { labels: { b: '2' } } })
    const next = (labels: object): object => ({ metadata: { name: 'web', labels }, ...spec({ port: 80 }) })
    const other = await refusal(() => apply(f, 'somebody', next({ a: '9' })))
    assert.match(other.message ?? '', /\.metadata\.labels\.a/, 'only under the name kubectl')
    const edited = await refusal(() => apply(f, 'kubectl', next({ a: '9', b: '9' })))
    assert.equal(edited.message, 'Apply failed with 1 conflict: conflict with "editor" using v1: .metadata.labels.b')
    await apply(f, 'kubectl', next({ a: '9' }))
    assert.deepEqual(live(f).metadata.labels, { a: '9', b: '2' })
    const last = JSON.parse(live(f).metadata.annotations?.[annotation] ?? '') as KubeObject
    assert.deepEqual(last.metadata, { name: 'web', labels: { a: '9' } })
  })
})
