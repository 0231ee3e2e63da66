/**
 * A transaction in pieces. The nf_tables variant sends each commit as one netlink message, which without privilege over the
 * host may not be longer than the socket's send buffer (net.core.wmem_max), and its time grows faster than the commit.
 *
 * Cut between steps, so that every chain still changes at once; only a chain that the kernel cannot take at once is filled
 * in parts.
 */
import type { Section, Step, Transaction } from './transaction.ts'
import { linesOf } from './transaction.ts'

export type PieceLimits = {
  /** Lines after which a new piece is begun. */
  readonly piece: number
  /** Lines of the longest step that is left whole. */
  readonly step: number
}

/** Each piece is a transaction of one section; they must be applied in this order. */
export function cutTransaction(transaction: Transaction, limits: PieceLimits): Transaction[] {
  const pieces: Section[] = []
  for (const { table, steps } of transaction.sections) {
    let open: Step[] = []
    let size = 0
    for (const step of steps.flatMap((whole) => cutStep(whole, limits.step))) {
      const lines = linesOf(step)
      if (size > 0 && size + lines > limits.piece) {
        pieces.push({ table, steps: open })
        open = []
        size = 0
      }
      open.push(step)
      size += lines
    }
    if (open.length > 0) pieces.push({ table, steps: open })
  }
  return pieces.map((section) => ({ family: transaction.family, services: transaction.services, sections: [section] }))
}

function cutStep(step: Step, longest: number): Step[] {
  if (linesOf(step) <= longest || step.lines.length < 2) return [step]
  const parts: Step[] = []
  const size = Math.max(1, longest - 1)
  for (let from = 0; from < step.lines.length; from += size) {
    const lines = step.lines.slice(from, from + size)
    parts.push(from === 0 && step.declare !== undefined ? { declare: step.declare, lines } : { lines })
  }
  return parts
}
