/** What we print against the tools themselves: iptables-restore takes it, and iptables-save gives back the same value. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { FAMILIES, type Family } from '#lib'

import { parseIptablesSave } from './parse.ts'
import type { Ruleset } from './ast.ts'
import { printIptablesSave } from './print.ts'
import { arbitraryRuleset } from './testing/arbitrary-ruleset.ts'
import { readFixture } from './testing/read-fixture.ts'

function run(family: Family, command: string, { args = [], input = '' }: { args?: string[]; input?: string } = {}) {
  const tool = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${command}`
  const { status, stdout, stderr } = spawnSync(tool, args, { input, encoding: 'utf8' })
  return { status, stdout, stderr }
}

function load(family: Family, text: string): void {
  const { status, stderr } = run(family, 'restore', { args: ['--counters'], input: text })
  assert.equal(status, 0, `${stderr}\n${text}`)
}

function withoutComments(text: string): string {
  return text.replaceAll(/^#.*\n/gm, '')
}

/** The kernel lists the tables in its own order. */
function byTable(ruleset: Ruleset): object {
  return Object.fromEntries([...ruleset.tables].map(([name, table]) => [name, [...table.chains.values()]]))
}

for (const family of FAMILIES) {
  describe(family, () => {
    test('iptables-restore --test accepts what we print of the example services', () => {
      const text = printIptablesSave(parseIptablesSave(readFixture(family, 'rules'), family).ruleset)
      const { status, stderr } = run(family, 'restore', { args: ['--test'], input: text })
      assert.equal(status, 0, stderr)
    })

    test('and refuses it with one wrong word', () => {
      const text = printIptablesSave(parseIptablesSave(readFixture(family, 'rules'), family).ruleset)
      const broken = text.replace('-j MARK --set-xmark', '-j MARK --set-nothing')
      assert.notEqual(broken, text)
      const { status, stderr } = run(family, 'restore', { args: ['--test'], input: broken })
      assert.notEqual(status, 0)
      assert.match(stderr, /--set-nothing/)
    })

    test('testdata is what the kernel makes of the hand-written rules', () => {
      load(family, readFixture(family, 'rules'))
      assert.equal(withoutComments(run(family, 'save', { args: ['--counters'] }).stdout), readFixture(family, 'save'))
    })

    test('any ruleset comes back from the kernel as the same value', () => {
      fc.assert(
        fc.property(arbitraryRuleset(family), (ruleset) => {
          load(family, printIptablesSave(ruleset))
          const saved = parseIptablesSave(run(family, 'save', { args: ['--counters'] }).stdout, family)
          assert.deepEqual(saved.problems, [])
          const loaded = byTable(saved.ruleset) as Record<string, unknown>
          for (const [name, chains] of Object.entries(byTable(ruleset))) assert.deepEqual(loaded[name], chains)
        }),
        { numRuns: 25 },
      )
    })
  })
}
