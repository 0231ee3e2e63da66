/** A database that keeps nothing, and fails when told to: for tests of what happens above the disk. */
import type { DatabaseBatch, ObjectDatabase } from '../storage/index.ts'

export type MemoryDatabase = ObjectDatabase & {
  readonly batches: DatabaseBatch[]
  failNext: boolean
}

export function memoryDatabase(revision = 1): MemoryDatabase {
  return {
    revision,
    batches: [],
    failNext: false,
    rows: () => [],
    commit(batch) {
      if (this.failNext) {
        this.failNext = false
        throw new Error('disk full')
      }
      this.batches.push(batch)
    },
    close: () => undefined,
  }
}

/** What a server that starts again finds after these batches. */
export function reopened(database: MemoryDatabase): MemoryDatabase {
  const rows = new Map<string, DatabaseBatch['puts'][number]>()
  for (const { puts, deletes } of database.batches) {
    for (const { resource, key } of deletes) rows.delete(`${resource} ${key}`)
    for (const row of puts) rows.set(`${row.resource} ${row.key}`, row)
  }
  const last = database.batches.at(-1)?.revision ?? database.revision
  return { ...memoryDatabase(last), rows: () => [...rows.values()] }
}
