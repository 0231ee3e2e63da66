/**
 * What is running, for those who want to step into it: one file per pod below the runtime directory. It holds container
 * environments, secrets included, so it is readable by its owner only.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type PodRecord = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly node: string
  /** First process of the pod's PID namespace, as numbered in the sandbox: the target of nsenter. */
  readonly pid: number
  /** Tells a reused number from the process that was meant. */
  readonly startTime: string
  readonly hostNetwork: boolean
  readonly addresses: readonly string[]
  /** The node's end of the pod's link; none for pods in the node's network. */
  readonly link?: string
  readonly containers: readonly {
    readonly name: string
    readonly pid?: number
    readonly env: Readonly<Record<string, string>>
  }[]
}

export function podRecordPath(runtimeDir: string, pod: { readonly namespace: string; readonly name: string }): string {
  return join(runtimeDir, 'pods', `${pod.namespace}_${pod.name}.json`)
}

export async function writePodRecord(runtimeDir: string, record: PodRecord): Promise<void> {
  const path = podRecordPath(runtimeDir, record)
  await mkdir(join(runtimeDir, 'pods'), { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Removes the record of this very pod; a successor of the same name keeps its own. */
export async function removePodRecord(runtimeDir: string, record: PodRecord): Promise<void> {
  const path = podRecordPath(runtimeDir, record)
  const current = await readRecord(path)
  if (current?.uid === record.uid) await rm(path, { force: true })
}

/** `runtimeDir` may be seen from outside: /proc/HOSTPID/root/run/signalbox. */
export async function listPodRecords(runtimeDir: string): Promise<readonly PodRecord[]> {
  const folder = join(runtimeDir, 'pods')
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json')).sort()
  const records = await Promise.all(files.map((name) => readRecord(join(folder, name))))
  return records.filter((record) => record !== undefined)
}

async function readRecord(path: string): Promise<PodRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as PodRecord
  } catch {
    // Gone between listing and reading.
    return undefined
  }
}
