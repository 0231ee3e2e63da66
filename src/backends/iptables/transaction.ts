/**
 * A change as `iptables-restore --noflush` reads it.
 *
 * Each section is one atomic commit; their order keeps a packet from ever falling between two of them: refusals in filter
 * are added before nat stops translating, and taken away after nat has begun to. Inside a section the steps are ordered so
 * that it may be cut between any two of them: what is referred to comes first, and goes last.
 */
import type { TransactionSize } from '#backends/shared'
import type { Family } from '#lib'
import type { TableName } from './names.ts'
import type { SharedEntries } from './shared-entries.ts'

export type Step = {
  /** A chain that is created if missing and emptied if not, before its lines. */
  readonly declare?: string
  /** `-A`, `-I` and `-D` lines. */
  readonly lines: readonly string[]
  /** A chain, declared here as well and thereby empty, that is deleted at the end. */
  readonly remove?: string
}

export type Section = { readonly table: TableName; readonly steps: readonly Step[] }

export type Transaction = {
  readonly family: Family
  /** Keys of the services it touches. */
  readonly services: readonly string[]
  readonly sections: readonly Section[]
  /** What the shared chains hold once all of it is applied. */
  readonly entries?: SharedEntries
}

export function isEmpty(transaction: Transaction): boolean {
  return transaction.sections.length === 0
}

export function printTransaction(transaction: Transaction): string {
  return transaction.sections.map(printSection).join('')
}

/** Chains are declared before all lines, so that inside one commit lines may refer to any of them. */
function printSection({ table, steps }: Section): string {
  const declared: string[] = []
  const lines: string[] = []
  const removed: string[] = []
  for (const step of steps) {
    if (step.declare !== undefined) declared.push(`:${step.declare} - [0:0]`)
    for (const line of step.lines) lines.push(line)
    if (step.remove !== undefined) removed.push(`-X ${step.remove}`)
  }
  return [`*${table}`, ...declared, ...lines, ...removed, 'COMMIT', ''].join('\n')
}

export function sizeOf(transaction: Transaction): TransactionSize {
  let lines = 0
  let bytes = 0
  const tables = { filter: 0, nat: 0 }
  for (const { table, steps } of transaction.sections) {
    for (const step of steps) {
      for (const line of step.lines) tables[table] += line.startsWith('-D') ? 0 : 1
      lines += linesOf(step)
      for (const line of step.lines) bytes += line.length + 1
      for (const chain of [step.declare, step.remove]) bytes += chain === undefined ? 0 : chain.length + 10
    }
  }
  return { services: transaction.services, lines, bytes, tables }
}

/** How many lines a step prints. */
export function linesOf(step: Step): number {
  return step.lines.length + (step.declare === undefined ? 0 : 1) + (step.remove === undefined ? 0 : 1)
}
