import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '#api'
import { ENDPOINTSLICES } from '#api'
import type { Clock } from '#lib'
import { systemClock } from '#lib'
import { createFakeApi } from '#watch'
import { createSliceWriter } from './write-slices.ts'

const blank: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: '', generateName: 'web-', namespace: 'default' },
  addressType: 'IPv4',
  endpoints: [],
}
const owner = 'default/web'
const none = { create: [], update: [], delete: [] }

async function setUp() {
  let offset = 0
  const clock: Clock = { ...systemClock, monotonic: () => offset }
  const { client } = createFakeApi({ clock: systemClock })
  const writer = createSliceWriter(client, clock)
  const stored = async (): Promise<readonly EndpointSlice[]> => (await client.list<EndpointSlice>(ENDPOINTSLICES)).items
  return { client, writer, stored, pass: (milliseconds: number) => (offset += milliseconds) }
}

test('a created slice is stale until the cache has it, and only for its owner', async () => {
  const { writer, stored } = await setUp()
  await writer.write(owner, { ...none, create: [blank] })
  assert.equal(writer.isStale('default/other', []), false)
  assert.equal(writer.isStale(owner, []), true)
  assert.equal(writer.isStale(owner, await stored()), false)
  assert.equal(writer.isStale(owner, []), false, 'shown once is enough: it may be deleted later')
})

test('an update is stale until the cache has that version or a later one', async () => {
  const { client, writer, stored } = await setUp()
  await writer.write(owner, { ...none, create: [blank] })
  const [before] = await stored()
  assert.ok(before !== undefined)
  assert.equal(writer.isStale(owner, [before]), false)
  await writer.write(owner, { ...none, update: [{ ...before, endpoints: [{ addresses: ['10.0.0.1'] }] }] })
  assert.equal(writer.isStale(owner, [before]), true)
  const [after] = await stored()
  assert.ok(after !== undefined)
  await client.update<EndpointSlice>(ENDPOINTSLICES, { ...after, endpoints: [] })
  assert.equal(writer.isStale(owner, await stored()), false)
})

test('a deleted slice is stale while the cache has it; gone already is as good', async () => {
  const { client, writer, stored } = await setUp()
  await writer.write(owner, { ...none, create: [blank] })
  const slices = await stored()
  assert.equal(writer.isStale(owner, slices), false)
  await client.delete(ENDPOINTSLICES, { namespace: 'default', name: slices[0]?.metadata.name ?? '' })
  await writer.write(owner, { ...none, delete: slices })
  assert.equal(writer.isStale(owner, slices), true)
  assert.equal(writer.isStale(owner, []), false)
})

test('events of own writes are recognised, those of others are not', async () => {
  const { client, writer, stored } = await setUp()
  await writer.write(owner, { ...none, create: [blank] })
  const [slice] = await stored()
  assert.ok(slice !== undefined)
  const key = `default/${slice.metadata.name}`
  assert.equal(writer.isOwn({ key, after: slice }), true)
  const foreign = await client.update<EndpointSlice>(ENDPOINTSLICES, { ...slice, endpoints: null })
  assert.equal(writer.isOwn({ key, after: foreign }), false)
  assert.equal(writer.isOwn({ key, after: undefined }), false)
  await writer.write(owner, { ...none, delete: [foreign] })
  assert.equal(writer.isOwn({ key, after: undefined }), true)
})

test('an expectation that nothing ever meets is dropped after 30 s', async () => {
  const { writer, pass } = await setUp()
  await writer.write(owner, { ...none, create: [blank] })
  pass(29_000)
  assert.equal(writer.isStale(owner, []), true)
  pass(2000)
  assert.equal(writer.isStale(owner, []), false)
})
