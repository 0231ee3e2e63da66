/**
 * The rulesets in testdata: `services-*.rules` are written by hand in kube-proxy's layout, `services-*.save` is what
 * iptables 1.8.9 makes of them (`iptables-restore`, then `iptables-save -c`; print.kernel.test.ts does it again).
 */
import { readFileSync } from 'node:fs'

import type { Family } from '#lib'

import type { Ruleset } from '../ast.ts'
import { parseIptablesSave } from '../parse.ts'

export function readFixture(family: Family, kind: 'rules' | 'save'): string {
  return readFileSync(new URL(`../testdata/services-${family.toLowerCase()}.${kind}`, import.meta.url), 'utf8')
}

/** A ruleset for a test: it must be understood without a remark. */
export function rulesetOf(text: string, family: Family = 'IPv4'): Ruleset {
  const { ruleset, problems } = parseIptablesSave(text, family)
  if (problems.length > 0) throw new Error(`line ${problems[0]?.line}: ${problems[0]?.message}`)
  return ruleset
}
