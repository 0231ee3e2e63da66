/**
 * Drift to the transaction that ends it. Nothing that is right is touched, and every chain changes in one commit, so
 * packets keep flowing over existing rules (IPT-34, IPT-39). Jumps are added at the top and never re-ordered (IPT-6).
 */
import type { Ruleset } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { TransactionDraft } from './draft-transaction.ts'
import { draftTransaction } from './draft-transaction.ts'
import type { Drift } from './find-drift.ts'
import { findDrift } from './find-drift.ts'
import type { Program } from './program.ts'
import { sharedChainRules } from './shared-entries.ts'
import type { Transaction } from './transaction.ts'

export function reconcile(live: Ruleset, program: Program): Transaction {
  const draft = draftTransaction(program.family)
  for (const drift of findDrift(live, program)) {
    const { table, chain } = drift
    switch (drift.kind) {
      case 'missing-chain':
      case 'changed-chain':
        draft.fill(table, chain, drift.rules)
        break
      case 'stale-chain':
        draft.drop(table, chain)
        break
      case 'changed-entries':
        changeEntries(draft, program, drift)
        break
      case 'missing-jump':
        draft.insert(table, [`-I ${chain} ${drift.rule}`])
        break
    }
  }
  return draft.seal([])
}

type ChangedEntries = Extract<Drift, { readonly kind: 'changed-entries' }>

/** Line by line while that is less than the chain, and while the tool can find what it is to delete. */
function changeEntries(draft: TransactionDraft, program: Program, drift: ChangedEntries): void {
  const { table, chain, missing, extra } = drift
  const wanted = sharedChainRules(program).get(table)?.get(chain) ?? []
  // libxt_nfacct prints a rule that cannot be given back to -D where the object is gone.
  const carried = extra.some((text) => text.includes('-m nfacct'))
  if (carried || missing.length + extra.length >= Math.max(wanted.length, 8)) {
    draft.fill(table, chain, wanted.map(printRule))
    return
  }
  draft.insert(table, missing.map((text) => `-I ${chain} ${text}`).reverse())
  draft.remove(
    table,
    extra.map((text) => `-D ${chain} ${text}`),
  )
}
