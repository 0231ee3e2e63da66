/**
 * From the old fragments of some services to their new ones. Costs what the change touches: chains whose rules print the
 * same are not sent, and of shared chains only the lines of these services.
 */
import type { FragmentChange } from '#backends/shared'
import type { Family } from '#lib'
import type { Rule } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { TransactionDraft } from './draft-transaction.ts'
import { draftTransaction } from './draft-transaction.ts'
import type { Fragment } from './program.ts'
import { EMPTY_FRAGMENT } from './program.ts'
import type { PrintedEntry } from './shared-entries.ts'
import { deleteLines, insertLines, printEntry } from './shared-entries.ts'
import type { Transaction } from './transaction.ts'

export function diff(family: Family, changes: readonly FragmentChange<Fragment>[]): Transaction {
  const draft = draftTransaction(family)
  const touched: string[] = []
  for (const { key, before = EMPTY_FRAGMENT, after = EMPTY_FRAGMENT } of changes) {
    const chains = diffChains(draft, before.chains, after.chains)
    const entries = diffEntries(draft, before.entries, after.entries)
    if (chains || entries) touched.push(key)
  }
  return draft.seal(touched)
}

function diffChains(
  draft: TransactionDraft,
  before: ReadonlyMap<string, readonly Rule[]>,
  after: ReadonlyMap<string, readonly Rule[]>,
): boolean {
  let changed = false
  for (const [chain, rules] of after) {
    const known = before.get(chain)
    const lines = rules.map(printRule)
    if (known !== undefined && sameLines(known.map(printRule), lines)) continue
    changed = true
    draft.fill('nat', chain, lines)
  }
  for (const chain of before.keys()) {
    if (after.has(chain)) continue
    changed = true
    draft.drop('nat', chain)
  }
  return changed
}

function diffEntries(draft: TransactionDraft, before: Fragment['entries'], after: Fragment['entries']): boolean {
  const old = new Map(before.map(printEntry).map((entry) => [identity(entry), entry]))
  const next = new Map(after.map(printEntry).map((entry) => [identity(entry), entry]))
  const added = [...next].filter(([id]) => !old.has(id)).map(([, entry]) => entry)
  const removed = [...old].filter(([id]) => !next.has(id)).map(([, entry]) => entry)
  for (const table of ['filter', 'nat'] as const) {
    draft.insert(table, insertLines(added.filter((entry) => entry.table === table)))
    draft.remove(table, deleteLines(removed.filter((entry) => entry.table === table)))
  }
  return added.length + removed.length > 0
}

function identity(entry: PrintedEntry): string {
  return `${entry.table} ${entry.chain} ${entry.text}`
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index])
}
