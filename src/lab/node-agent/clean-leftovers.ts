/**
 * What an earlier agent of this node left behind when it was killed. Its pods have died with it (pdeathsig); records, links
 * and folders may be left, and for a moment processes.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { readProcess } from '#kernel'

import { listPodRecords, removePodRecord } from './pod-record.ts'
import { deleteLink } from './pod-sandbox.ts'

/** Returns how many pods were cleaned up after. */
export async function cleanLeftovers(runtimeDir: string, node: string): Promise<number> {
  const records = (await listPodRecords(runtimeDir)).filter((record) => record.node === node)
  for (const record of records) {
    const current = await readProcess(record.pid)
    // The number alone may name somebody else by now.
    if (current !== undefined && current.startTime === record.startTime) process.kill(record.pid, 'SIGKILL')
    if (record.link !== undefined) await deleteLink(record.link)
    for (const folder of ['pod-roots', 'pod-logs'])
      await rm(join(runtimeDir, folder, record.uid), { recursive: true, force: true })
    await removePodRecord(runtimeDir, record)
  }
  return records.length
}
