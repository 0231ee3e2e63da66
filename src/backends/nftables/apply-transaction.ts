/** Hands transactions to the kernel and keeps the books: who claims what, how large a batch may be, what waits to go. */
import type { NftablesDoor } from '#kernel'
import { hasCode } from '#lib'
import type { NftChange } from '#rulesets/nftables'
import { cutSteps } from './cut-transaction.ts'
import { TABLE } from './names.ts'
import type { Claimants, Owners } from './owners.ts'
import { takeOver } from './owners.ts'
import type { ClaimKey } from './program.ts'
import type { Transaction } from './transaction.ts'
import { changesOf, isEmpty } from './transaction.ts'

export type Applier = {
  /** As the kernel was last brought to it. */
  readonly owners: Owners
  apply(transaction: Transaction, signal?: AbortSignal): Promise<void>
}

/** Larger batches are tried once and remembered if they fit. */
const UNPRIVILEGED_BATCH = 350_000
const SMALLEST_BATCH = 8_000

export function createApplier(door: NftablesDoor): Applier {
  let owners = new Map<ClaimKey, Claimants>()
  let limit = Number.POSITIVE_INFINITY
  /** Chains and sets that nobody uses and that the kernel still holds on to. */
  let waiting = new Map<string, NftChange>()

  const send = async (changes: readonly NftChange[]): Promise<void> => {
    await door.apply({ table: TABLE, changes })
  }

  const sendSteps = async (transaction: Transaction, signal: AbortSignal | undefined): Promise<void> => {
    let pieces = cutSteps(transaction.steps, limit)
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      signal?.throwIfAborted()
      try {
        await send(changesOf(piece))
      } catch (error) {
        // Nothing of it was done: what is left goes in smaller pieces from now on.
        if (!hasCode(error, 'SBX_NETLINK_TOO_LARGE') || limit <= SMALLEST_BATCH) throw error
        limit = limit > UNPRIVILEGED_BATCH ? UNPRIVILEGED_BATCH : Math.ceil(limit / 2)
        pieces = cutSteps([piece, ...pieces].flat(), limit)
      }
    }
  }

  /**
   * Apart from the steps, because kernels before 6.2 let go of a chain some time after the element that led to it is gone
   * (NFT-22): what is still held is tried again with the next transaction. Nothing leads to it meanwhile.
   */
  const sendRemovals = async (transaction: Transaction): Promise<void> => {
    const all = new Map(waiting)
    for (const removal of transaction.removals) all.set(nameOf(removal), removal)
    if (all.size === 0) return
    try {
      await send([...all.values()])
      waiting = new Map()
    } catch (error) {
      if (!hasCode(error, 'SBX_NFT_BUSY')) throw error
      waiting = all
    }
  }

  return {
    get owners() {
      return owners
    },
    apply: async (transaction, signal) => {
      signal?.throwIfAborted()
      if (transaction.owners.kind === 'all') waiting = new Map()
      for (const step of transaction.steps) {
        if (step.kind === 'changes') for (const change of step.changes) waiting.delete(nameOf(change))
      }
      if (!isEmpty(transaction) || waiting.size > 0) {
        await sendSteps(transaction, signal)
        await sendRemovals(transaction)
      }
      if (transaction.owners.kind === 'all') owners = new Map(transaction.owners.claims)
      else takeOver(owners, transaction.owners.claims)
    },
  }
}

function nameOf(change: NftChange): string {
  if (change.change === 'add-chain') return `chain ${change.chain.name}`
  if (change.change === 'delete-chain') return `chain ${change.name}`
  if (change.change === 'add-set') return `set ${change.set.name}`
  return change.change === 'delete-set' ? `set ${change.name}` : ''
}
