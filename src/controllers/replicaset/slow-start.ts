/**
 * Many equal tasks of which the first may show that none can succeed: batches of 1, 2, 4…, until one has a failure
 * (pkg/controller/replicaset slowStartBatch).
 */
export async function slowStart(count: number, task: () => Promise<void>): Promise<readonly unknown[]> {
  let left = count
  for (let size = 1; left > 0; size *= 2) {
    const batch = Math.min(size, left)
    const results = await Promise.allSettled(Array.from({ length: batch }, task))
    const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown)
    if (failures.length > 0) return failures
    left -= batch
  }
  return []
}
