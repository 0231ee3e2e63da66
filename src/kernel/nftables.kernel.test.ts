/** The door against the kernel, with nft as the judge of what we write. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'

import fc from 'fast-check'

import { SignalboxError } from '#lib'
import type { NftChange, NftElement, NftSetHeader, NftTable } from '#rulesets/nftables'
import { createTableChanges, parseNftRuleset, printNftTable } from '#rulesets/nftables'
import { arbitraryTable, sortedElements } from '#rulesets/nftables/testing'

import { openNftables, type NftablesDoor } from './nftables.ts'

function nft(args: readonly string[], input = ''): string {
  const { status, signal, stdout, stderr } = spawnSync('nft', args, { input, encoding: 'utf8', maxBuffer: 1 << 28 })
  assert.equal(status, 0, `nft ${args.join(' ')}: ${signal ?? ''} ${stderr}\n${input}`)
  return stdout
}

function listed(table: NftTable): NftTable {
  const [read] = parseNftRuleset(nft(['list', 'table', table.family, table.name])).ruleset.tables
  assert.ok(read !== undefined)
  return sortedElements(read)
}

async function codeOf(work: Promise<unknown>): Promise<SignalboxError> {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof SignalboxError, String(error))
    return error
  }
  return assert.fail('nothing was refused')
}

for (const family of ['ip', 'ip6'] as const) {
  describe(family, () => {
    let door: NftablesDoor
    before(async () => {
      door = await openNftables({ family })
    })
    after(() => door.close())
    const replace = async (table: NftTable): Promise<void> => {
      const changes: NftChange[] = [{ change: 'add-table' }, { change: 'delete-table' }, ...createTableChanges(table)]
      await door.apply({ table: table.name, changes })
    }

    test('what is written is what is read, by us and by nft', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryTable(family), async (table) => {
          await replace(table)
          const read = await door.read(table.name)
          assert.ok(read !== undefined)
          assert.deepEqual(sortedElements(read), sortedElements(table))
          assert.deepEqual(listed(table), sortedElements(table))
          // Whatever else an administrator lists.
          nft(['list', 'ruleset'])
        }),
        { numRuns: 25, endOnFailure: true },
      )
    })

    test('nft lists the same whether we or nft itself loaded it', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryTable(family), async (table) => {
          await replace(table)
          const ours = nft(['list', 'table', family, table.name])
          nft(['-f', '-'], `delete table ${family} ${table.name}\n${printNftTable(table)}`)
          assert.equal(nft(['list', 'table', family, table.name]), ours)
        }),
        { numRuns: 15, endOnFailure: true },
      )
    })

    test('probe finds a usable kernel and leaves nothing behind', async () => {
      const tables = await door.tables()
      assert.deepEqual(await door.probe(), { usable: true })
      assert.deepEqual(await door.tables(), tables)
    })
  })
}

describe('apply', () => {
  const table = 'apply'
  const ports: NftSetHeader = { name: 'ports', key: ['inet_service'], data: 'verdict' }
  let door: NftablesDoor
  before(async () => {
    door = await openNftables({ family: 'ip' })
    await door.apply({
      table,
      changes: [
        { change: 'add-table' },
        { change: 'add-chain', chain: { name: 'web' } },
        { change: 'add-set', set: ports },
        { change: 'add-elements', set: ports, elements: [{ key: ['80'], data: { verdict: 'goto', chain: 'web' } }] },
      ],
    })
  })
  after(async () => {
    await door.apply({ table, changes: [{ change: 'delete-table' }] })
    door.close()
  })

  const drop: NftElement['data'] = { verdict: 'drop' }
  const good: NftChange = { change: 'add-elements', set: ports, elements: [{ key: ['443'], data: drop }] }
  const cases: readonly (readonly [string, NftChange, string, RegExp])[] = [
    [
      'an element that exists with other data',
      { change: 'add-elements', set: ports, elements: [{ key: ['80'], data: drop }] },
      'SBX_NFT_EXISTS',
      /element 80 of set ports/,
    ],
    [
      'an element that is not there',
      { change: 'delete-elements', set: ports, elements: [{ key: ['81'] }] },
      'SBX_NFT_NOT_FOUND',
      /element 81 of set ports/,
    ],
    ['a chain in use', { change: 'delete-chain', name: 'web' }, 'SBX_NFT_BUSY', /chain web/],
    [
      'a jump to nowhere',
      { change: 'add-rule', chain: 'web', rule: { statements: [{ kind: 'verdict', verdict: 'goto', chain: 'none' }] } },
      'SBX_NFT_NOT_FOUND',
      /rule of chain web/,
    ],
    [
      'a rule for a chain that is not there',
      { change: 'add-rule', chain: 'none', rule: { statements: [{ kind: 'verdict', verdict: 'drop' }] } },
      'SBX_NFT_NOT_FOUND',
      /rule of chain none/,
    ],
    ['a set of another type', { change: 'add-set', set: { ...ports, key: ['mark'] } }, 'SBX_NFT_EXISTS', /set ports/],
    [
      'a value that is none',
      { change: 'add-elements', set: ports, elements: [{ key: ['http'], data: drop }] },
      'SBX_NFT_REJECTED',
      /element http of set ports/,
    ],
    [
      'a statement that is only carried',
      { change: 'add-rule', chain: 'web', rule: { statements: [{ kind: 'other', text: 'limit rate 1/second' }] } },
      'SBX_NFT_REJECTED',
      /rule of chain web/,
    ],
  ]
  for (const [name, change, code, object] of cases) {
    test(`${name} is refused with all that came with it, and named`, async () => {
      const error = await codeOf(door.apply({ table, changes: [good, change, good] }))
      assert.equal(error.code, code, error.message)
      assert.match(String(error.facts['object']), object)
      assert.equal(error.facts['change'], 1)
      assert.equal((await door.read(table))?.sets.get('ports')?.elements.length, 1)
    })
  }

  test('NFT-20: data is changed by deleting and adding in one transaction', async () => {
    const elements: readonly NftElement[] = [{ key: ['8080'], data: { verdict: 'goto', chain: 'web' } }]
    await door.apply({ table, changes: [{ change: 'add-elements', set: ports, elements }] })
    const changed: readonly NftElement[] = [{ key: ['8080'], data: drop }]
    await door.apply({
      table,
      changes: [
        { change: 'delete-elements', set: ports, elements },
        { change: 'add-elements', set: ports, elements: changed },
      ],
    })
    const read = await door.read(table)
    assert.deepEqual(read?.sets.get('ports')?.elements.find(({ key }) => key[0] === '8080')?.data, drop)
    await door.apply({ table, changes: [{ change: 'delete-elements', set: ports, elements: changed }] })
  })

  test('a batch that expects another generation does nothing', async () => {
    const generation = await door.generation()
    await door.apply({ table, generation, changes: [{ change: 'add-chain', chain: { name: 'mine' } }] })
    nft(['add', 'chain', 'ip', table, 'foreign'])
    const again = { table, generation: generation + 1, changes: [{ change: 'delete-chain', name: 'mine' } as const] }
    assert.equal((await codeOf(door.apply(again))).code, 'SBX_NFT_GENERATION')
    assert.equal(await door.generation(), generation + 2)
    assert.deepEqual([...((await door.read(table))?.chains.keys() ?? [])], ['web', 'mine', 'foreign'])
  })

  test('NFT-24: a foreign edit is noticed', { timeout: 20_000 }, async () => {
    const before = await door.generation()
    let stop = (): void => undefined
    const noticed = new Promise<void>((resolve) => {
      void door.watch(resolve).then((watching) => {
        ;({ stop } = watching)
        nft(['add', 'table', 'ip6', 'somebody'])
      })
    })
    await noticed
    stop()
    assert.notEqual(await door.generation(), before)
  })

  test('a table that is not there', async () => {
    assert.equal(await door.read('nothing'), undefined)
    const error = await codeOf(door.apply({ table: 'nothing', changes: [{ change: 'delete-table' }] }))
    assert.equal(error.code, 'SBX_NFT_NOT_FOUND')
  })
})

test('a hundred thousand elements go in one transaction and come back', async () => {
  const door = await openNftables({ family: 'ip' })
  const set: NftSetHeader = {
    name: 'endpoints',
    key: ['ipv4_addr', 'inet_proto', 'inet_service', 'mark'],
    data: ['ipv4_addr', 'inet_service'],
  }
  const elements = Array.from({ length: 100_000 }, (_, at): NftElement => ({
    key: [
      `10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`,
      'tcp',
      '80',
      `0x${(at % 10).toString(16).padStart(8, '0')}`,
    ],
    data: [`10.244.${(at >> 8) & 255}.${at & 255}`, '8080'],
  }))
  await door.apply({
    table: 'large',
    changes: [{ change: 'add-table' }, { change: 'add-set', set }, { change: 'add-elements', set, elements }],
  })
  const read = await door.read('large')
  const words = ({ key, data }: NftElement): string => JSON.stringify([key, data])
  const found = new Set(read?.sets.get('endpoints')?.elements.map(words))
  assert.equal(found.size, elements.length)
  assert.deepEqual(
    elements.filter((element) => !found.has(words(element))),
    [],
  )
  door.close()
})
