import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NftBatch, NftablesDoor } from '#kernel'
import type { ErrorCode } from '#lib'
import { hasCode, SignalboxError } from '#lib'
import type { Applier } from './apply-transaction.ts'
import { createApplier } from './apply-transaction.ts'
import { diff } from './diff.ts'
import type { Fragment } from './program.ts'
import { reconcile } from './reconcile.ts'
import { renderStatic } from './render-static.ts'
import { fragmentOf, NODE } from './testing/sample-services.ts'
import type { Transaction } from './transaction.ts'

type Recorded = {
  readonly door: NftablesDoor
  readonly batches: NftBatch[]
  refuse: (batch: NftBatch) => ErrorCode | undefined
}

/** Takes every batch that it is not told to refuse. */
function recordingDoor(): Recorded {
  const recorded: Recorded = {
    batches: [],
    refuse: () => undefined,
    door: {
      family: 'ip',
      apply: (batch) => {
        const code = recorded.refuse(batch)
        if (code !== undefined) return Promise.reject(new SignalboxError(code, 'refused'))
        recorded.batches.push(batch)
        return Promise.resolve({ messages: 1, bytes: 1, milliseconds: 0 })
      },
      read: () => Promise.resolve(undefined),
      tables: () => Promise.resolve([]),
      generation: () => Promise.resolve(1),
      probe: () => Promise.resolve({ usable: true }),
      watch: () => Promise.resolve({ stop: () => undefined }),
      close: () => undefined,
    },
  }
  return recorded
}

function whole(services: Readonly<Record<string, Fragment>>): Transaction {
  return reconcile(undefined, {
    family: 'IPv4',
    static: renderStatic(NODE),
    services: new Map(Object.entries(services)),
  })
}

function change(applier: Applier, before: Fragment | undefined, after: Fragment | undefined): Transaction {
  const sides = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
  return diff('IPv4', [{ key: 'ns/web', ...sides }], applier.owners)
}

const kinds = (batch: NftBatch | undefined): Set<string> => new Set(batch?.changes.map(({ change: kind }) => kind))
const elements = (batch: NftBatch): number =>
  batch.changes.reduce((sum, one) => sum + ('elements' in one ? one.elements.length : 0), 0)

test('a program goes in one batch where that is allowed', async () => {
  const { door, batches } = recordingDoor()
  await createApplier(door).apply(whole({ 'ns/web': fragmentOf() }))
  assert.equal(batches.length, 1)
})

test('nothing to do is no batch', async () => {
  const { door, batches } = recordingDoor()
  const applier = createApplier(door)
  await applier.apply(change(applier, undefined, undefined))
  assert.equal(batches.length, 0)
})

test('what is too large goes in smaller batches, now and from then on, and nothing twice', async () => {
  const recorded = recordingDoor()
  const hosts = Array.from({ length: 200 }, (_, host) => host + 1)
  recorded.refuse = (batch) => (elements(batch) > 150 ? 'SBX_NETLINK_TOO_LARGE' : undefined)
  const applier = createApplier(recorded.door)
  const transaction = whole({ 'ns/web': fragmentOf({ hosts, nodePort: 30080 }) })
  await applier.apply(transaction)
  const sent = recorded.batches.reduce((sum, batch) => sum + elements(batch), 0)
  // A cluster IP, a node address, a verdict and 200 slots for each of two frontends, 99 hairpins.
  assert.equal(sent, 1 + 1 + 2 + 400 + 99)
  let refusals = 0
  recorded.refuse = (batch) => {
    if (elements(batch) <= 150) return undefined
    refusals += 1
    return 'SBX_NETLINK_TOO_LARGE'
  }
  await applier.apply(transaction)
  assert.equal(refusals, 0)
})

test('what the kernel refuses leaves the books as they were', async () => {
  const recorded = recordingDoor()
  const applier = createApplier(recorded.door)
  const web = fragmentOf()
  await applier.apply(whole({ 'ns/web': web }))
  recorded.refuse = () => 'SBX_NFT_REJECTED'
  const before = new Map(applier.owners)
  await assert.rejects(applier.apply(change(applier, web, undefined)), (error) => hasCode(error, 'SBX_NFT_REJECTED'))
  assert.deepEqual(new Map(applier.owners), before)
})

test('NFT-22 a chain that the kernel still holds is removed with a later transaction', async () => {
  const recorded = recordingDoor()
  const applier = createApplier(recorded.door)
  const [two, three, one] = [fragmentOf(), fragmentOf({ hosts: [1, 2, 3] }), fragmentOf({ hosts: [1] })]
  await applier.apply(whole({ 'ns/web': two }))
  recorded.refuse = (batch) => (kinds(batch).has('delete-chain') ? 'SBX_NFT_BUSY' : undefined)
  await applier.apply(change(applier, two, three))
  recorded.refuse = () => undefined
  await applier.apply(change(applier, three, one))
  const last = recorded.batches.at(-1)
  assert.deepEqual(
    last?.changes.map((gone) => ('name' in gone ? gone.name : '')),
    ['spread-2', 'spread-3'],
  )
})

test('CC-116 a chain that waits to be removed and is needed again stays', async () => {
  const recorded = recordingDoor()
  const applier = createApplier(recorded.door)
  const [two, three] = [fragmentOf(), fragmentOf({ hosts: [1, 2, 3] })]
  await applier.apply(whole({ 'ns/web': two }))
  recorded.refuse = (batch) => (kinds(batch).has('delete-chain') ? 'SBX_NFT_BUSY' : undefined)
  await applier.apply(change(applier, two, three))
  recorded.refuse = () => undefined
  await applier.apply(change(applier, three, two))
  const removed = recorded.batches.flatMap(({ changes }) =>
    changes.flatMap((one) => (one.change === 'delete-chain' ? [one.name] : [])),
  )
  assert.deepEqual(removed, ['spread-3'])
})
