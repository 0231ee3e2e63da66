/**
 * Whatever is live to the program. Nothing that is right is touched, so packets keep flowing and affinity stays; what is in
 * our table and not in the program goes. Other tables are never looked at.
 */
import type { Family } from '#lib'
import type { NftChain, NftSet, NftTable } from '#rulesets/nftables'
import { keyOf, sameElement, sameRules, sameSet } from './compare-items.ts'
import type { TransactionDraft } from './draft-transaction.ts'
import { draftTransaction } from './draft-transaction.ts'
import { ownersOf } from './owners.ts'
import type { Program } from './program.ts'
import { toTable } from './to-table.ts'
import type { Transaction } from './transaction.ts'

/** `undefined`: there is no table of ours. */
export type Live = NftTable | undefined

export function reconcile(live: Live, program: Program): Transaction {
  const { family } = program
  const claims = ownersOf(program.services)
  const wanted = toTable(program, claims)
  const usable = live !== undefined && canBeKept(live, wanted) ? live : undefined
  const draft = draftTransaction(family)
  if (usable === undefined) draft.createTable()
  reconcileSets(draft, usable, wanted)
  reconcileChains(draft, { family, live: usable, wanted })
  const made = draft.seal([], { kind: 'all', claims })
  if (live === undefined || usable !== undefined) return made
  return { ...made, steps: [{ kind: 'changes', changes: [{ change: 'delete-table' }] }, ...made.steps] }
}

/**
 * A set cannot be declared anew while rules look it up: a table of another make is replaced whole. Happens once, when a
 * version that lays it out differently takes over.
 */
function canBeKept(live: NftTable, wanted: NftTable): boolean {
  return [...wanted.sets.values()].every((set) => {
    const known = live.sets.get(set.name)
    return known === undefined || (sameSet(known, set) && (known.others ?? []).length === 0)
  })
}

function reconcileSets(draft: TransactionDraft, live: Live, wanted: NftTable): void {
  for (const set of wanted.sets.values()) {
    const known = live?.sets.get(set.name)
    const { elements: _, ...header } = set
    if (known === undefined) draft.createSet(header)
    if (set.flags?.includes('dynamic') !== true) reconcileElements(draft, known, set)
  }
  for (const name of live?.sets.keys() ?? []) if (!wanted.sets.has(name)) draft.dropSet(name)
}

function reconcileElements(draft: TransactionDraft, live: NftSet | undefined, wanted: NftSet): void {
  const { elements, ...header } = wanted
  const known = new Map((live?.elements ?? []).map((element) => [keyOf(element), element]))
  for (const element of elements) {
    const key = keyOf(element)
    const old = known.get(key)
    known.delete(key)
    if (old === undefined || !sameElement(old, element)) draft.put(header, element, old)
  }
  for (const element of known.values()) draft.take(header, element)
}

function reconcileChains(
  draft: TransactionDraft,
  { family, live, wanted }: { readonly family: Family; readonly live: Live; readonly wanted: NftTable },
): void {
  for (const chain of wanted.chains.values()) {
    const known = live?.chains.get(chain.name)
    const sameBase = known !== undefined && JSON.stringify(hookOf(known)) === JSON.stringify(hookOf(chain))
    if (sameBase && sameRules(known.rules, chain.rules, family)) continue
    if (chain.base === undefined) draft.fillChain(chain.name, chain.rules)
    else draft.hookChain(chain, known !== undefined && !sameBase)
  }
  for (const name of live?.chains.keys() ?? []) if (!wanted.chains.has(name)) draft.dropChain(name)
}

function hookOf({ base }: NftChain): unknown[] {
  return base === undefined ? [] : [base.type, base.hook, base.priority, base.policy]
}
