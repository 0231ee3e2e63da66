/**
 * nf_tables pretended, for tests above the kernel: refuses what the kernel refuses, with the same errors, and holds the
 * outcome as a value. nftables.kernel.test.ts beside it compares the two on random transactions.
 */
import type { SignalboxError } from '#lib'
import type { NftChange, NftFamily, NftTable } from '#rulesets/nftables'

import { describeChange, encodeBatch } from '../netlink/encode-batch.ts'
import { ERRNO } from '../netlink/errno.ts'
import { nftFailure } from '../netlink/nft-failure.ts'
import type { NftBatch, NftablesDoor } from '../nftables.ts'
import { changeTable, copyTable, toSet, type Errno, type FakeTable } from './nftables-table.ts'
import { validateChains } from './validate-chains.ts'

export type FakeNftables = NftablesDoor & {
  /** What the pretended kernel holds now. */
  readonly table: (name: string) => NftTable | undefined
  /** Every batch given to `apply`, accepted or not, oldest first. */
  readonly applied: readonly NftBatch[]
  /** The next `times` calls of `apply` fail with this and change nothing. */
  readonly failNext: (error: SignalboxError, times?: number) => void
  /** Lets a test pretend to be another program: the batch is applied and not recorded. */
  readonly meddle: (batch: NftBatch) => void
}

type State = {
  readonly family: NftFamily
  tables: ReadonlyMap<string, FakeTable>
  generation: number
  readonly watchers: Set<() => void>
}

export function createFakeNftables(family: NftFamily): FakeNftables {
  const state: State = { family, tables: new Map(), generation: 1, watchers: new Set() }
  const applied: NftBatch[] = []
  const faults: SignalboxError[] = []
  const read = (name: string): NftTable | undefined => {
    const table = state.tables.get(name)
    return table === undefined ? undefined : toTable(name, table)
  }
  return {
    family,
    apply: (batch) =>
      new Promise((resolve) => {
        applied.push(batch)
        const fault = faults.shift()
        if (fault !== undefined) throw fault
        resolve(applyBatch(state, batch))
      }),
    read: (name) => Promise.resolve(read(name)),
    tables: () => Promise.resolve([...state.tables.keys()]),
    generation: () => Promise.resolve(state.generation),
    watch: (onChange) => {
      state.watchers.add(onChange)
      return Promise.resolve({ stop: () => void state.watchers.delete(onChange) })
    },
    probe: () => Promise.resolve({ usable: true }),
    close: () => undefined,
    table: read,
    applied,
    failNext: (error, times = 1) => void faults.push(...Array.from({ length: times }, () => error)),
    meddle: (batch) => void applyBatch(state, batch),
  }
}

/** All or nothing: works on a copy. Values are checked by writing them as if for the kernel. */
function applyBatch(state: State, batch: NftBatch): { readonly messages: number; readonly bytes: number } {
  const encoded = encodeBatch({ family: state.family, ...batch })
  if (batch.generation !== undefined && batch.generation !== state.generation) {
    const facts = { object: `table ${batch.table}` }
    throw nftFailure({ errno: ERRNO.ERESTART }, 'somebody else has changed the ruleset', facts)
  }
  const before = state.tables.get(batch.table)
  let table = before === undefined ? undefined : copyTable(before)
  for (const [index, change] of batch.changes.entries()) {
    const after = applyChange(state.family, table, change)
    if (typeof after === 'number') throw refusal(batch, { errno: after, change, index })
    table = after.table
  }
  const errno = table === undefined ? 0 : validateChains(table)
  const index = batch.changes.length - 1
  const change = batch.changes[index]
  if (errno !== 0 && change !== undefined) throw refusal(batch, { errno, change, index })
  const tables = new Map(state.tables)
  if (table === undefined) tables.delete(batch.table)
  else tables.set(batch.table, table)
  state.tables = tables
  if (batch.changes.length > 0) {
    state.generation += 1
    for (const watcher of state.watchers) setImmediate(watcher)
  }
  return { messages: encoded.messages, bytes: encoded.data.byteLength }
}

function applyChange(
  family: NftFamily,
  table: FakeTable | undefined,
  change: NftChange,
): { readonly table: FakeTable | undefined } | Errno {
  if (change.change === 'add-table') {
    const comment = change.comment === undefined ? {} : { comment: change.comment }
    return { table: table ?? { family, ...comment, sets: new Map(), chains: new Map() } }
  }
  if (table === undefined) return ERRNO.ENOENT
  if (change.change === 'delete-table') return { table: undefined }
  const errno = changeTable(table, change)
  return errno === 0 ? { table } : errno
}

function refusal(
  { table }: NftBatch,
  { errno, change, index }: { readonly errno: Errno; readonly change: NftChange; readonly index: number },
): SignalboxError {
  const object = describeChange(change)
  return nftFailure({ errno }, `${change.change} ${object} in table ${table}`, { object, change: index })
}

function toTable(name: string, { family, comment, sets, chains }: FakeTable): NftTable {
  return {
    family,
    name,
    ...(comment === undefined ? {} : { comment }),
    sets: new Map([...sets].map(([key, set]) => [key, toSet(set)])),
    chains: new Map([...chains].map(([key, { header, rules }]) => [key, { ...header, rules: [...rules] }])),
  }
}
