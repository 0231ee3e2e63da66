/**
 * From the old fragments of some services to their new ones. Costs what the change touches: chains whose rules print the
 * same are not sent, and of shared chains only the lines of these services, with now and then a few that make room.
 */
import type { FragmentChange } from '#backends/shared'
import type { Rule } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { TransactionDraft } from './draft-transaction.ts'
import { draftTransaction } from './draft-transaction.ts'
import { isPrefixChain } from './prefix-chains.ts'
import type { Fragment } from './program.ts'
import { EMPTY_FRAGMENT } from './program.ts'
import type { ChainChange, Item, SharedEntries } from './shared-entries.ts'
import { changeEntries, entryDifference } from './shared-entries.ts'
import type { Transaction } from './transaction.ts'

/** `held`: what the kernel has in the shared chains, every `before` included. */
export function diff(held: SharedEntries, changes: readonly FragmentChange<Fragment>[]): Transaction {
  const draft = draftTransaction(held.family)
  const touched: string[] = []
  for (const { key, before = EMPTY_FRAGMENT, after = EMPTY_FRAGMENT } of changes) {
    const chains = diffChains(draft, before.chains, after.chains)
    if (chains || !sameEntries(before.entries, after.entries)) touched.push(key)
  }
  const next = changeEntries(held, changes)
  for (const change of entryDifference(held, next)) draftChange(draft, change)
  return { ...draft.seal(touched), entries: next }
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

function draftChange(draft: TransactionDraft, { table, chain, before, after }: ChainChange): void {
  if (after === undefined) draft.drop(table, chain)
  else if (before === undefined) draft.fill(table, chain, textsOf(after))
  else {
    const [old, next] = [new Set(textsOf(before)), new Set(textsOf(after))]
    const added = [...next].filter((text) => !old.has(text))
    const removed = [...old].filter((text) => !next.has(text))
    // Anew where that is shorter; not in filter, where a refusal must stay until nat translates.
    if (table === 'nat' && isPrefixChain(chain) && added.length + removed.length > next.size + 1) {
      draft.fill(table, chain, [...next])
      return
    }
    // The last inserted comes first.
    draft.insert(table, added.map((text) => `-I ${chain} ${text}`).reverse())
    draft.remove(
      table,
      removed.map((text) => `-D ${chain} ${text}`),
    )
  }
}

function textsOf(items: readonly Item[]): string[] {
  return items.map(({ text }) => text)
}

function sameEntries(before: Fragment['entries'], after: Fragment['entries']): boolean {
  const print = (entries: Fragment['entries']): string[] =>
    entries.map(({ table, chain, rule }) => `${table} ${chain} ${printRule(rule)}`).sort()
  return before === after || sameLines(print(before), print(after))
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index])
}
