/** The fake against the kernel: the same transactions are accepted, the others are refused for the same reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { SignalboxError } from '#lib'
import type { NftChange, NftElement, NftRule, NftSetHeader, NftStatement, NftVerdict } from '#rulesets/nftables'
import { printNftTable } from '#rulesets/nftables'
import { sortedElements } from '#rulesets/nftables/testing'

import { openNftables, type NftablesDoor } from '../nftables.ts'
import { createFakeNftables } from './nftables.ts'

const TABLE = 'parity'
const CHAINS = ['base', 'one', 'two'] as const
const SETS: readonly NftSetHeader[] = [
  { name: 'ports', key: ['inet_service'] },
  { name: 'services', key: ['ipv4_addr', 'inet_service'], data: 'verdict' },
  { name: 'endpoints', key: ['mark'], data: ['ipv4_addr', 'inet_service'] },
  { name: 'clients', key: ['ipv4_addr'], flags: ['dynamic', 'timeout'], timeout: 60_000, size: 65_535 },
  { name: 'ranges', key: ['ipv4_addr'], flags: ['interval'] },
]

const chainName = fc.constantFrom(...CHAINS, 'none')
const setHeader = fc.constantFrom(...SETS)
const setName = fc.constantFrom(...SETS.map(({ name }) => name), 'none')

const verdict: fc.Arbitrary<NftVerdict> = fc.oneof(
  fc.constantFrom<NftVerdict>({ verdict: 'accept' }, { verdict: 'drop' }),
  fc
    .tuple(fc.constantFrom('jump' as const, 'goto' as const), chainName)
    .map(([kind, chain]): NftVerdict => ({ verdict: kind, chain })),
)

function element({ key, data, flags }: NftSetHeader): fc.Arbitrary<NftElement> {
  const number = fc.integer({ min: 1, max: 3 })
  const texts = key.map((type) => {
    if (flags?.includes('interval') === true)
      return fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '192.0.2.1', '10.0.0.1-10.0.0.9')
    return number.map((value) =>
      type === 'ipv4_addr' ? `10.0.0.${value}` : type === 'mark' ? `0x0000000${value}` : `${value}`,
    )
  })
  const value: fc.Arbitrary<NftElement['data']> =
    data === 'verdict' ? verdict : number.map((last) => [`10.0.1.${last}`, '80'] as const)
  return fc.tuple(fc.tuple(...texts), value).map(([fields, made]): NftElement => ({
    key: fields,
    ...(data === undefined || made === undefined ? {} : { data: made }),
  }))
}

const statement: fc.Arbitrary<NftStatement> = fc.oneof(
  verdict.map((made): NftStatement => ({ kind: 'verdict', ...made })),
  setName.map((name): NftStatement => ({ kind: 'lookup', key: ['th dport'], set: { name } })),
  setName.map((name): NftStatement => ({ kind: 'vmap', key: ['ip daddr', 'th dport'], map: { name } })),
  fc.constant<NftStatement>({ kind: 'update', set: 'clients', key: ['ip saddr'] }),
  fc.constant<NftStatement>({ kind: 'lookup', key: ['ip saddr'], set: { name: 'ranges' } }),
  fc.constant<NftStatement>({ kind: 'masquerade' }),
  fc.constant<NftStatement>({ kind: 'reject' }),
  verdict.map((data): NftStatement => ({
    kind: 'vmap',
    key: [{ numgen: 'random', modulus: 1 }],
    map: { elements: [{ key: ['0'], data }] },
  })),
)
const rule: fc.Arbitrary<NftRule> = statement.map((only) => ({ statements: [only] }))

const elementsChange = fc.constantFrom('add-elements' as const, 'delete-elements' as const)
const change: fc.Arbitrary<NftChange> = fc.oneof(
  { weight: 2, arbitrary: setHeader.map((set): NftChange => ({ change: 'add-set', set })) },
  {
    weight: 2,
    arbitrary: chainName.map((name): NftChange => ({
      change: 'add-chain',
      chain:
        name === 'base' ? { name, base: { type: 'filter', hook: 'input', priority: 0, policy: 'accept' } } : { name },
    })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(chainName, rule).map(([chain, made]): NftChange => ({ change: 'add-rule', chain, rule: made })),
  },
  {
    weight: 5,
    arbitrary: setHeader.chain((set) =>
      fc
        .tuple(elementsChange, fc.array(element(set), { minLength: 1, maxLength: 2 }))
        .map(([kind, elements]): NftChange => ({ change: kind, set, elements })),
    ),
  },
  { weight: 3, arbitrary: chainName.map((name): NftChange => ({ change: 'delete-chain', name })) },
  { weight: 1, arbitrary: chainName.map((name): NftChange => ({ change: 'flush-chain', name })) },
  { weight: 2, arbitrary: setName.map((name): NftChange => ({ change: 'delete-set', name })) },
  { weight: 1, arbitrary: setName.map((name): NftChange => ({ change: 'flush-set', name })) },
  { weight: 1, arbitrary: fc.constantFrom<NftChange>({ change: 'add-table' }, { change: 'delete-table' }) },
)

async function answer(door: NftablesDoor, changes: readonly NftChange[]): Promise<string> {
  try {
    await door.apply({ table: TABLE, changes })
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof SignalboxError, String(error))
    return error.code
  }
}

async function contents(door: NftablesDoor): Promise<string> {
  const table = await door.read(TABLE)
  // The clock runs in the kernel only.
  return table === undefined ? '' : printNftTable(sortedElements(table)).replaceAll(/ expires \w+/g, '')
}

test('random transactions end the same way', async () => {
  const start: readonly NftChange[] = [
    { change: 'add-table' },
    ...CHAINS.map((name): NftChange => ({
      change: 'add-chain',
      chain:
        name === 'base' ? { name, base: { type: 'filter', hook: 'input', priority: 0, policy: 'accept' } } : { name },
    })),
    ...SETS.map((set): NftChange => ({ change: 'add-set', set })),
  ]
  const door = await openNftables({ family: 'ip' })
  const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(batches, async (all) => {
      await door.apply({ table: TABLE, changes: [{ change: 'add-table' }, { change: 'delete-table' }, ...start] })
      const fake = createFakeNftables('ip')
      await fake.apply({ table: TABLE, changes: start })
      for (const changes of all) {
        const expected = await answer(door, changes)
        seen.add(expected)
        assert.equal(await answer(fake, changes), expected, JSON.stringify(changes))
        assert.equal(await contents(fake), await contents(door), JSON.stringify(changes))
      }
    }),
    { numRuns: 120, endOnFailure: false },
  )
  door.close()
  assert.deepEqual([...seen].sort(), [
    'SBX_NFT_BUSY',
    'SBX_NFT_EXISTS',
    'SBX_NFT_NOT_FOUND',
    'SBX_NFT_REJECTED',
    'accepted',
  ])
})
