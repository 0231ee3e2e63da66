/**
 * What one box tells the commands that come after it: written by its supervisor into the state folder, read by `down`,
 * `status`, `exec`, `shell` and `explain`. It is a claim, not a fact: `readBox` believes it only while the recorded
 * process is the one that wrote it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

import type { Family } from '#lib'
import { SignalboxError } from '#lib'

export type RelayRecord = {
  /** `api`, or `namespace/service:port` for a node port. */
  readonly name: string
  readonly protocol: 'TCP' | 'UDP'
  /** Where the host listens: `127.0.0.1:40123`. */
  readonly listen: string
  /** What it reaches inside the box: `172.18.0.11:30080`. */
  readonly target: string
}

export type BoxRecord = {
  readonly version: 1
  readonly mode: string
  readonly stateDir: string
  /** Absent for a box that keeps its state on its own tmpfs (the demo's). */
  readonly kubeconfig?: string
  readonly supervisor: ProcessIdentity
  /** The sandbox's first process, as numbered on the host: the way in for `exec` and `shell`. */
  readonly init: ProcessIdentity
  readonly nodes: readonly {
    readonly name: string
    readonly addresses: readonly string[]
    readonly podCIDRs: readonly string[]
  }[]
  /** Addresses of the client outside the cluster. */
  readonly outside: Partial<Readonly<Record<Family, string>>>
  readonly relays: readonly RelayRecord[]
}

/** A pid alone may have been reused; with its start time it names one process. */
export type ProcessIdentity = { readonly pid: number; readonly startTime: string }

export function defaultStateDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'state'), 'signalbox', 'box')
}

export function prepareStateDir(given: string | undefined): string {
  const dir = resolve(given ?? defaultStateDir())
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SignalboxError('SBX_BOX_STATE_DIR', `the state folder ${dir} cannot be made`, { cause, facts: { dir } })
  }
  return dir
}

export function recordPath(stateDir: string): string {
  return join(stateDir, 'box.json')
}

export function writeBox(record: BoxRecord): void {
  const path = recordPath(record.stateDir)
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

export function forgetBox(stateDir: string): void {
  rmSync(recordPath(stateDir), { force: true })
}

/** The running box of that state folder, or undefined if none runs (also after a crash that left the file). */
export function readBox(given: string | undefined): BoxRecord | undefined {
  const stateDir = resolve(given ?? defaultStateDir())
  const path = recordPath(stateDir)
  if (!existsSync(path)) return undefined
  let record: BoxRecord
  try {
    record = JSON.parse(readFileSync(path, 'utf8')) as BoxRecord
  } catch (cause) {
    throw new SignalboxError('SBX_BOX_RECORD', `${path} is not readable`, { cause })
  }
  return isAlive(record.supervisor) ? record : undefined
}

/** @throws SBX_BOX_NOT_RUNNING */
export function requireBox(given: string | undefined): BoxRecord {
  const record = readBox(given)
  if (record === undefined) {
    const where = resolve(given ?? defaultStateDir())
    throw new SignalboxError('SBX_BOX_NOT_RUNNING', `no box is running in ${where}; start one with: signalbox up`)
  }
  return record
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: startTimeOf(pid) ?? '' }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime && identity.startTime !== ''
}

/** Field 22 of /proc/PID/stat (proc(5)): start time in clock ticks after boot. A zombie counts as gone. */
function startTimeOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
