/**
 * A change as the kernel is told it: steps in an order that is safe to interrupt, for one transaction where it is small and
 * several where it is not (cut-transaction.ts).
 */
import type { TransactionSize } from '#backends/shared'
import type { Family } from '#lib'
import type { NftChange, NftElement, NftSetHeader } from '#rulesets/nftables'
import type { Claimants } from './owners.ts'
import type { ClaimKey } from './program.ts'
import { rankOf } from './sets.ts'

/** One key of one set: what stands there goes, something comes, or both. */
export type ElementChange = { readonly set: NftSetHeader; readonly remove?: NftElement; readonly add?: NftElement }

export type Step =
  /** Never split: what belongs to one chain, or creates one object. */
  | { readonly kind: 'changes'; readonly changes: readonly NftChange[] }
  /** All elements of one frontend, or one element of its own; in an order that is safe should it have to be split. */
  | { readonly kind: 'elements'; readonly elements: readonly ElementChange[] }

export type Transaction = {
  readonly family: Family
  /** Keys of the services it touches. */
  readonly services: readonly string[]
  readonly steps: readonly Step[]
  /** Chains and sets that are empty and unreferenced once the steps are done. */
  readonly removals: readonly NftChange[]
  /** Whose claims stand when it is done: an update of what stood before, or all there are. */
  readonly owners: { readonly kind: 'update' | 'all'; readonly claims: ReadonlyMap<ClaimKey, Claimants> }
}

export function isEmpty(transaction: Transaction): boolean {
  return transaction.steps.length === 0 && transaction.removals.length === 0
}

export function sizeOf(transaction: Transaction): TransactionSize {
  let lines = transaction.removals.length
  let bytes = transaction.removals.length * CHANGE_BYTES
  for (const step of transaction.steps) {
    lines +=
      step.kind === 'changes'
        ? step.changes.length
        : step.elements.reduce((sum, { add, remove }) => sum + (add ? 1 : 0) + (remove ? 1 : 0), 0)
    bytes += bytesOf(step)
  }
  return { services: transaction.services, lines, bytes }
}

const CHANGE_BYTES = 200
const STATEMENT_BYTES = 400

/** About as long as its netlink messages, rather more. */
export function bytesOf(step: Step): number {
  if (step.kind === 'elements') return step.elements.reduce((sum, change) => sum + elementBytes(change), 0)
  return step.changes.reduce(
    (sum, change) => sum + CHANGE_BYTES + ('rule' in change ? STATEMENT_BYTES * change.rule.statements.length : 0),
    0,
  )
}

export function elementBytes({ set, add, remove }: ElementChange): number {
  const fields = set.key.length + (typeof set.data === 'object' ? set.data.length : 0)
  const one = 48 + 4 * fields + (set.key.includes('ipv6_addr') ? 48 : 0)
  let bytes = 0
  for (const element of [add, remove]) {
    if (element === undefined) continue
    const chain = element.data !== undefined && 'chain' in element.data ? element.data.chain.length + 32 : 0
    bytes += one + chain + (element.comment === undefined ? 0 : element.comment.length + 12)
  }
  return bytes
}

/** What the door is handed for one batch: element changes next to each other are gathered by set. */
export function changesOf(steps: readonly Step[]): NftChange[] {
  const changes: NftChange[] = []
  let open: ElementChange[] = []
  const close = (): void => {
    changes.push(...gather(open))
    open = []
  }
  for (const step of steps) {
    if (step.kind === 'elements') for (const element of step.elements) open.push(element)
    else {
      close()
      changes.push(...step.changes)
    }
  }
  close()
  return changes
}

function gather(elements: readonly ElementChange[]): NftChange[] {
  const bySet = new Map<string, { set: NftSetHeader; add: NftElement[]; remove: NftElement[] }>()
  for (const { set, add, remove } of elements) {
    let lists = bySet.get(set.name)
    if (lists === undefined) bySet.set(set.name, (lists = { set, add: [], remove: [] }))
    if (add !== undefined) lists.add.push(add)
    if (remove !== undefined) lists.remove.push(remove)
  }
  return [...bySet.values()]
    .sort((a, b) => rankOf(a.set.name) - rankOf(b.set.name))
    .flatMap(({ set, add, remove }): NftChange[] => [
      ...(remove.length === 0 ? [] : [{ change: 'delete-elements', set, elements: remove } as const]),
      ...(add.length === 0 ? [] : [{ change: 'add-elements', set, elements: add } as const]),
    ])
}
