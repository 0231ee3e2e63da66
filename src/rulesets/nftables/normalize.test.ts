import assert from 'node:assert/strict'
import { test } from 'node:test'

import { normalizeRule } from './normalize.ts'
import { parseNftRuleset } from './parse.ts'
import { printRule } from './print-statement.ts'

function normalized(rule: string): string {
  const { ruleset } = parseNftRuleset(`table ip t {\n\tchain c {\n\t\t${rule}\n\t}\n}\n`)
  const [parsed] = ruleset.tables[0]?.chains.get('c')?.rules ?? []
  assert.ok(parsed !== undefined)
  return printRule(normalizeRule(parsed), 'ip')
}

/** Each as nft 1.0.6 lists it after loading the left side. */
const cases: readonly (readonly [string, string])[] = [
  ['meta l4proto tcp th dport 80 drop', 'tcp dport 80 drop'],
  ['meta l4proto tcp th dport { 443, 80 } drop', 'tcp dport { 80, 443 } drop'],
  ['meta l4proto tcp ip daddr . th dport { 10.0.0.1 . 80 } drop', 'ip daddr . tcp dport { 10.0.0.1 . 80 } drop'],
  ['meta l4proto tcp th dport vmap { 80 : drop }', 'tcp dport vmap { 80 : drop }'],
  ['meta l4proto tcp ip saddr 10.0.0.0/9 th dport 80-90', 'ip saddr 10.0.0.0/9 tcp dport 80-90'],
  ['meta l4proto tcp ip saddr 10.0.0.1 reject with tcp reset', 'ip saddr 10.0.0.1 reject with tcp reset'],
  ['meta l4proto tcp drop', 'meta l4proto tcp drop'],
  ['th dport 80 meta l4proto tcp', 'th dport 80 meta l4proto tcp'],
  ['meta l4proto { tcp, udp } th dport 80', 'meta l4proto { tcp, udp } th dport 80'],
  ['ip saddr { 10.128.0.0/9, 10.0.0.0/9 } drop', 'ip saddr { 10.0.0.0/8 } drop'],
  ['ip saddr { 10.1.0.0/16, 10.0.0.0/8, 192.0.2.1 } drop', 'ip saddr { 10.0.0.0/8, 192.0.2.1 } drop'],
  ['ip saddr { 203.0.113.9/24, 198.51.100.7 } drop', 'ip saddr { 198.51.100.7, 203.0.113.0/24 } drop'],
]
for (const [given, expected] of cases) {
  test(`${given} is ${expected}`, () => {
    assert.equal(normalized(given), expected)
    assert.equal(normalized(expected), expected)
  })
}
