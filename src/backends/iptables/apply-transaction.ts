/** Hands a transaction to the kernel, in one call where it is small and in pieces where it is not. */
import type { IptablesDoor } from '#kernel'
import { hasCode } from '#lib'
import type { PieceLimits } from './cut-transaction.ts'
import { cutTransaction } from './cut-transaction.ts'
import type { Transaction } from './transaction.ts'
import { isEmpty, printTransaction, sizeOf } from './transaction.ts'

export type Applier = (transaction: Transaction, signal?: AbortSignal) => Promise<void>

/**
 * Lines a call. A rule takes some 700 bytes of a netlink message and 425,984 fit where nobody changed net.core.wmem_max;
 * loading 43,000 lines with iptables 1.8.9 took 3.5 s in pieces of this size, 6.6 s in pieces of 5,000, 23 s in halves.
 */
const PIECE = 500

export function createApplier(door: IptablesDoor): Applier {
  // The legacy variant exchanges the whole table at every commit: there one call is best.
  let known: PieceLimits | undefined

  return async (transaction, signal) => {
    signal?.throwIfAborted()
    if (isEmpty(transaction)) return
    if (sizeOf(transaction).lines <= PIECE) {
      await door.restore(printTransaction(transaction))
      return
    }
    const unlimited = Number.POSITIVE_INFINITY
    let limits: PieceLimits = known ?? {
      piece: (await door.version()).variant === 'legacy' ? unlimited : PIECE,
      step: unlimited,
    }
    // One section a call: a call that fails has then changed nothing, and can be made again in smaller pieces.
    let waiting = cutTransaction(transaction, limits)
    for (let piece = waiting.shift(); piece !== undefined; piece = waiting.shift()) {
      signal?.throwIfAborted()
      try {
        await door.restore(printTransaction(piece))
      } catch (error) {
        const { lines } = sizeOf(piece)
        if (!hasCode(error, 'SBX_IPTABLES_TOO_LARGE') || lines < 4) throw error
        const half = Math.ceil(lines / 2)
        const smaller: PieceLimits = { piece: Math.min(limits.piece, half), step: half }
        limits = smaller
        waiting = [piece, ...waiting].flatMap((rest) => cutTransaction(rest, smaller))
      }
    }
    known = limits
  }
}
