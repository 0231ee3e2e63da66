/**
 * Drift to the transaction that ends it. Nothing that is right is touched, and every chain changes in one commit, so
 * packets keep flowing over existing rules (IPT-34, IPT-39). Jumps are added at the top and never re-ordered (IPT-6).
 */
import type { Ruleset } from '#rulesets/iptables'
import { draftTransaction } from './draft-transaction.ts'
import { findDrift } from './find-drift.ts'
import type { Program } from './program.ts'
import { entriesOfProgram } from './shared-entries.ts'
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
        draft.insert(table, drift.missing.map((text) => `-I ${chain} ${text}`).reverse())
        draft.remove(
          table,
          drift.extra.map((text) => `-D ${chain} ${text}`),
        )
        break
      case 'missing-jump':
        draft.insert(table, [`-I ${chain} ${drift.rule}`])
        break
    }
  }
  return { ...draft.seal([]), entries: entriesOfProgram(program) }
}
