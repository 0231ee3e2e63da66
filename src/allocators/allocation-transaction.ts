/**
 * Allocate new, write, then release old (registry/core/service/storage/transaction.go): what is taken can be given back
 * when the write fails, and what is to go is held until the write is done. Ends once, one way or the other.
 */
export interface AllocationTransaction {
  /** Registers how to give back something just taken. */
  taken(undo: () => void): void
  /** Registers a release that must wait for the write. */
  releaseLater(release: () => void): void
  readonly rollback: () => void
  readonly commit: () => void
}

export function createAllocationTransaction(): AllocationTransaction {
  const undos: (() => void)[] = []
  const releases: (() => void)[] = []
  let ended = false
  const end = (tasks: readonly (() => void)[]): void => {
    if (ended) return
    ended = true
    for (const task of tasks) task()
  }
  return {
    taken: (undo) => void undos.unshift(undo),
    releaseLater: (release) => void releases.push(release),
    rollback: () => end(undos),
    commit: () => end(releases),
  }
}
