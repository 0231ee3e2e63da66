import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { SignalboxError } from '#lib'
import type { NftChange, NftElement, NftSetHeader } from '#rulesets/nftables'

import { encodeBatch } from './encode-batch.ts'
import { readMessages } from './messages.ts'

const PORTS: NftSetHeader = { name: 'ports', key: ['inet_service'] }

function encode(changes: readonly NftChange[], generation?: number): ReturnType<typeof encodeBatch> {
  return encodeBatch({ family: 'ip', table: 't', changes, ...(generation === undefined ? {} : { generation }) })
}

function numbered(count: number): NftElement[] {
  return Array.from({ length: count }, (_, at) => ({ key: [String(at)] }))
}

describe('encodeBatch', () => {
  test('each message is told to belong to its change', () => {
    const own: NftChange = {
      change: 'add-rule',
      chain: 'c',
      rule: { statements: [{ kind: 'lookup', key: ['th dport'], set: { elements: numbered(2) } }] },
    }
    const { data, messages, changeOf } = encode([{ change: 'add-table' }, own, { change: 'delete-chain', name: 'd' }])
    const read = readMessages(data)
    // begin, table, the rule's own set, its elements, rule, chain, end
    assert.equal(messages, 7)
    assert.deepEqual(
      read.map(({ sequence }) => changeOf(sequence)),
      [-1, 0, 1, 1, 1, 2, -1],
    )
    assert.deepEqual(
      read.map((message) => (message.kind === 'data' ? message.type : 0)),
      [0x10, 0xa00, 0xa09, 0xa0c, 0xa06, 0xa05, 0x11],
    )
  })

  test('no attribute outgrows its 16-bit length', () => {
    const { data } = encode([{ change: 'add-elements', set: PORTS, elements: numbered(20_000) }])
    const elements = readMessages(data).filter((message) => message.kind === 'data' && message.type === 0xa0c)
    assert.ok(elements.length > 4)
    for (const message of elements) assert.ok(message.kind === 'data' && message.payload.length < 65_536)
  })

  const refused: readonly (readonly [string, NftChange, RegExp])[] = [
    ['a value', { change: 'add-elements', set: PORTS, elements: [{ key: ['70000'] }] }, /^element 70000 of set ports$/],
    ['too many fields', { change: 'add-elements', set: PORTS, elements: [{ key: ['1', '2'] }] }, /^element 1 \. 2 of/],
    [
      'data for a map',
      { change: 'add-elements', set: { ...PORTS, data: 'verdict' }, elements: [{ key: ['1'] }] },
      /^element 1 of set ports$/,
    ],
    [
      'two protocols',
      {
        change: 'add-rule',
        chain: 'c',
        rule: {
          statements: [
            { kind: 'match', field: 'meta l4proto', value: 'udp' },
            { kind: 'match', field: 'tcp dport', value: '80' },
          ],
        },
      },
      /^rule of chain c$/,
    ],
    [
      'a way to reject',
      { change: 'add-rule', chain: 'c', rule: { statements: [{ kind: 'reject', with: 'icmp nonsense' }] } },
      /^rule of chain c$/,
    ],
    ['intervals of marks', { change: 'add-set', set: { name: 'm', key: ['mark'], flags: ['interval'] } }, /^set m$/],
  ]
  for (const [what, change, object] of refused) {
    test(`${what} that cannot be written is refused before anything is sent`, () => {
      assert.throws(
        () => encode([{ change: 'add-table' }, change]),
        (error) => {
          assert.ok(error instanceof SignalboxError)
          assert.equal(error.code, 'SBX_NFT_REJECTED')
          assert.equal(error.facts['change'], 1)
          assert.match(String(error.facts['object']), object)
          return true
        },
      )
    })
  }

  test('what is not whole messages is not read past its end', () => {
    const { data } = encode([{ change: 'add-table' }])
    assert.equal(readMessages(data.slice(0, data.length - 1)).length, 2)
    assert.deepEqual(readMessages(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), [])
  })
})
