/**
 * Collects what changes and puts it in order: everything that can be referred to is made, then chains are filled, those that
 * others lead to first, then frontend after frontend goes from old to new as a whole, and packets are sent there last; what
 * goes is no longer led to before it is emptied, and emptied before it is removed. So after any number of steps a packet
 * meets a frontend as it was, or as it is to be.
 */
import type { Family } from '#lib'
import type { NftChain, NftChange, NftElement, NftRule, NftSetHeader, NftStatement } from '#rulesets/nftables'
import { TABLE_COMMENT } from './names.ts'
import { placeOf, rankOf } from './sets.ts'
import type { ElementChange, Step, Transaction } from './transaction.ts'

export type TransactionDraft = {
  /** The table itself; without it, it must be there. */
  createTable(): void
  createSet(set: NftSetHeader): void
  /** Made if missing, and its rules replaced; a chain of ours never holds others' rules. */
  fillChain(name: string, rules: readonly NftRule[]): void
  /** A base chain: filled when all else is in place, made anew if it hangs elsewhere. */
  hookChain(chain: NftChain, anew: boolean): void
  put(set: NftSetHeader, element: NftElement, before?: NftElement): void
  take(set: NftSetHeader, element: NftElement): void
  dropChain(name: string): void
  dropSet(name: string): void
  seal(services: readonly string[], owners: Transaction['owners']): Transaction
}

export function draftTransaction(family: Family): TransactionDraft {
  const created: Step[] = []
  const filled = new Map<string, readonly NftRule[]>()
  const hooked: Step[] = []
  const emptied: Step[] = []
  const removals: NftChange[] = []
  const places = new Map<string, ElementChange[]>()
  const change = (element: ElementChange, key: readonly string[]): void => {
    const place = placeOf(element.set.name, key)
    const known = places.get(place)
    if (known === undefined) places.set(place, [element])
    else known.push(element)
  }

  return {
    createTable: () => void created.unshift(changes({ change: 'add-table', comment: TABLE_COMMENT })),
    createSet: (set) => void created.push(changes({ change: 'add-set', set })),
    fillChain: (name, rules) => {
      created.push(changes({ change: 'add-chain', chain: { name } }))
      filled.set(name, rules)
    },
    hookChain: ({ rules, ...header }, anew) => {
      const { name } = header
      const removed: NftChange[] = anew
        ? [
            { change: 'flush-chain', name },
            { change: 'delete-chain', name },
          ]
        : []
      hooked.push(changes(...removed, { change: 'add-chain', chain: header }, ...refill(name, rules)))
    },
    put: (set, element, before) =>
      change({ set, add: element, ...(before === undefined ? {} : { remove: before }) }, element.key),
    take: (set, element) => change({ set, remove: element }, element.key),
    dropChain: (name) => {
      emptied.push(changes({ change: 'flush-chain', name }))
      removals.push({ change: 'delete-chain', name })
    },
    dropSet: (name) => void removals.push({ change: 'delete-set', name }),
    seal: (services, owners) => {
      const steps = [
        ...created,
        ...referredFirst(filled).map(([name, rules]) => changes(...refill(name, rules))),
        ...inOrder([...places.values()]),
        ...hooked,
        ...emptied,
      ]
      return { family, services, steps, removals, owners }
    },
  }
}

function changes(...list: readonly NftChange[]): Step {
  return { kind: 'changes', changes: list }
}

function refill(chain: string, rules: readonly NftRule[]): NftChange[] {
  return [
    { change: 'flush-chain', name: chain },
    ...rules.map((rule) => ({ change: 'add-rule', chain, rule }) as const),
  ]
}

/** What frontends rely on (addresses to mark and refuse, hairpins) comes before them, and goes after them. */
function inOrder(places: readonly ElementChange[][]): Step[] {
  const [before, frontends, behind]: [Step[], Step[], Step[]] = [[], [], []]
  for (const place of places) {
    const elements = place.length === 1 ? place : place.sort(byRank)
    const [only] = place
    const shared = only !== undefined && only.set.data === undefined
    const list = shared ? (only.add === undefined ? behind : before) : frontends
    list.push({ kind: 'elements', elements })
  }
  return [...before, ...frontends, ...behind]
}

/** What comes, in order of reference, before what goes, in the opposite order. */
function byRank(a: ElementChange, b: ElementChange): number {
  const goes = Number(a.add === undefined) - Number(b.add === undefined)
  const rank = rankOf(a.set.name) - rankOf(b.set.name)
  return goes === 0 ? (a.add === undefined ? -rank : rank) : goes
}

/** A chain that is led to by another is filled before it. */
function referredFirst(filled: ReadonlyMap<string, readonly NftRule[]>): (readonly [string, readonly NftRule[]])[] {
  const done = new Map<string, readonly NftRule[]>()
  const visit = (name: string): void => {
    const rules = filled.get(name)
    if (rules === undefined || done.has(name)) return
    for (const statement of rules.flatMap((rule) => rule.statements)) leadsTo(statement).forEach(visit)
    done.set(name, rules)
  }
  for (const name of filled.keys()) visit(name)
  return [...done]
}

/** By itself; where a shared map leads is decided by its elements. */
function leadsTo(statement: NftStatement): string[] {
  if (statement.kind === 'verdict') return 'chain' in statement ? [statement.chain] : []
  if (statement.kind !== 'vmap' || !('elements' in statement.map)) return []
  return statement.map.elements.flatMap(({ data }) => (data !== undefined && 'chain' in data ? [data.chain] : []))
}
