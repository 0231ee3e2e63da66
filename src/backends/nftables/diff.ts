/**
 * From the old fragments of some services to their new ones. Costs what the change touches: claims that are filled as
 * before, or that another service decides, change nothing.
 */
import type { FragmentChange } from '#backends/shared'
import type { Family } from '#lib'
import { changeItems } from './compare-items.ts'
import { draftTransaction } from './draft-transaction.ts'
import type { Owners } from './owners.ts'
import { claimantsOf, itemsOf, updateOwners } from './owners.ts'
import type { Fragment } from './program.ts'
import type { Transaction } from './transaction.ts'

/** `owners` is who claims what before the change. */
export function diff(family: Family, changes: readonly FragmentChange<Fragment>[], owners: Owners): Transaction {
  const draft = draftTransaction(family)
  const claims = updateOwners(owners, changes)
  const touched = new Set<string>()
  for (const [key, claimants] of claims) {
    const before = claimantsOf(owners, key)
    if (!changeItems(draft, family, { before: itemsOf(before), after: itemsOf(claimants) })) continue
    for (const change of changes) {
      if (change.before?.has(key) === true || change.after?.has(key) === true) touched.add(change.key)
    }
  }
  return draft.seal([...touched], { kind: 'update', claims })
}
