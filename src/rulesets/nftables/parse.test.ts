import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import type { NftStatement } from './ast.ts'
import { parseNftRuleset } from './parse.ts'
import { printNftRuleset, printNftTable } from './print.ts'
import { arbitraryTable } from './testing/arbitrary-table.ts'

/** As `nft list ruleset` (1.0.6) printed it: every statement and property this language has a name for. */
const LISTED = readFileSync(new URL('testdata/everything.nft', import.meta.url), 'utf8')

/** nft puts several elements in a line. */
function oneLine(text: string): string {
  return text.replaceAll(/,\s+/g, ', ')
}

function statementsOf(rule: string): readonly NftStatement[] {
  const { ruleset } = parseNftRuleset(`table ip t {\n\tchain c {\n\t\t${rule}\n\t}\n}\n`)
  return ruleset.tables[0]?.chains.get('c')?.rules[0]?.statements ?? []
}

describe('parseNftRuleset', () => {
  test('what nft printed prints the same', () => {
    const { ruleset, problems } = parseNftRuleset(LISTED)
    assert.deepEqual(problems, [])
    assert.equal(oneLine(printNftRuleset(ruleset)), oneLine(LISTED))
    const kinds = ruleset.tables.flatMap((table) =>
      [...table.chains.values()].flatMap(({ rules }) => rules.flatMap(({ statements }) => statements)),
    )
    // The log statement is carried; nothing else is.
    assert.deepEqual(
      kinds.filter(({ kind }) => kind === 'other'),
      [{ kind: 'other', text: 'log prefix "x"', transparent: true }],
    )
  })

  for (const family of ['ip', 'ip6'] as const) {
    test(`${family}: what we print reads the same`, () => {
      fc.assert(
        fc.property(arbitraryTable(family), (table) => {
          const { ruleset, problems } = parseNftRuleset(printNftTable(table))
          assert.deepEqual(problems, [])
          assert.deepEqual(ruleset.tables, [table])
        }),
        { numRuns: 50 },
      )
    })
  }

  const unknown = [
    'limit rate 10/second accept',
    'tcp flags syn / syn,rst drop',
    'ip daddr > 10.0.0.1 drop',
    'meta mark set meta mark & 0x000000ff | 0x00000100',
    'dnat ip to 10.0.0.1-10.0.0.9',
    'meta mark set numgen inc mod 2',
    'fib daddr . iif type local drop',
  ]
  for (const rule of unknown) {
    test(`is kept as it is: ${rule}`, () => {
      const statements = statementsOf(`iifname "eth0" ${rule} comment "kept"`)
      assert.deepEqual(statements, [
        { kind: 'match', field: 'iifname', value: 'eth0' },
        { kind: 'other', text: rule },
      ])
    })
  }

  const older: readonly (readonly [string, NftStatement])[] = [
    ['reject with icmp type host-unreachable', { kind: 'reject', with: 'icmp host-unreachable' }],
    ['counter', { kind: 'counter', packets: 0n, bytes: 0n }],
    ['ct state == new', { kind: 'match', field: 'ct state', value: 'new' }],
    ['meta iifname "eth0"', { kind: 'match', field: 'iifname', value: 'eth0' }],
    [
      'meta mark set meta mark or 0x4000',
      { kind: 'set-mark', field: 'meta mark', from: 'meta mark', operator: 'or', value: 0x4000 },
    ],
  ]
  for (const [text, expected] of older) {
    test(`is another spelling: ${text}`, () => assert.deepEqual(statementsOf(text), [expected]))
  }

  test('objects, flags and sets of other types are carried', () => {
    const text = `table ip t {
	flags dormant
	set macs {
		type ether_addr
		elements = { 02:00:00:00:00:01 }
	}
	map odd {
		type ipv4_addr : ether_addr
	}

	chain c {
		ether saddr @macs drop
	}
}
`
    const { ruleset, problems } = parseNftRuleset(text)
    assert.deepEqual(problems, [])
    const [table] = ruleset.tables
    assert.deepEqual(table?.others, ['flags dormant'])
    assert.deepEqual(table.sets.get('macs')?.key, [])
    assert.deepEqual(table.sets.get('odd')?.key, [])
  })

  test('what makes no sense is a problem with its line', () => {
    const { ruleset, problems } = parseNftRuleset('table bridge b {\n\tchain c {\n\t}\n}\nnonsense\ntable ip t {\n}\n')
    assert.deepEqual(
      problems.map(({ line }) => line),
      [1, 5],
    )
    assert.deepEqual(
      ruleset.tables.map(({ name }) => name),
      ['t'],
    )
  })

  test('any text ends in a value', () => {
    const word = fc.constantFrom(
      'table',
      'ip',
      't',
      '{',
      '}',
      '\n',
      'chain',
      'set',
      'elements =',
      '@x',
      '"',
      ':',
      ',',
      'drop',
      ';',
      '.',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        assert.ok(Array.isArray(parseNftRuleset(words.join(' ')).problems))
      }),
    )
  })
})
