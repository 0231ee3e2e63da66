import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hasCode, SignalboxError } from '#lib'
import type { NftChange } from '#rulesets/nftables'

import { createFakeNftables } from './nftables.ts'

const START: readonly NftChange[] = [{ change: 'add-table' }, { change: 'add-chain', chain: { name: 'c' } }]

test('keeps what was applied, and nothing of what was refused', async () => {
  const fake = createFakeNftables('ip')
  await fake.apply({ table: 't', changes: START })
  const bad: NftChange = { change: 'add-rule', chain: 'none', rule: { statements: [{ kind: 'reject' }] } }
  await assert.rejects(
    fake.apply({ table: 't', changes: [{ change: 'add-chain', chain: { name: 'd' } }, bad] }),
    (error) => hasCode(error, 'SBX_NFT_NOT_FOUND'),
  )
  assert.deepEqual([...(fake.table('t')?.chains.keys() ?? [])], ['c'])
  assert.equal(fake.applied.length, 2)
})

test('generations, foreign edits and faults', async () => {
  const fake = createFakeNftables('ip')
  await fake.apply({ table: 't', changes: START })
  const generation = await fake.generation()
  const noticed = new Promise<void>((resolve) => {
    void fake.watch(resolve)
  })
  fake.meddle({ table: 't', changes: [{ change: 'add-chain', chain: { name: 'foreign' } }] })
  await noticed
  await assert.rejects(fake.apply({ table: 't', generation, changes: [{ change: 'delete-table' }] }), (error) =>
    hasCode(error, 'SBX_NFT_GENERATION'),
  )
  fake.failNext(new SignalboxError('SBX_NFT_BUSY', 'a fault'))
  await assert.rejects(fake.apply({ table: 't', changes: [] }), (error) => hasCode(error, 'SBX_NFT_BUSY'))
  await fake.apply({ table: 't', changes: [{ change: 'delete-table' }] })
  assert.equal(await fake.read('t'), undefined)
})
