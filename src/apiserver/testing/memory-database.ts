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
