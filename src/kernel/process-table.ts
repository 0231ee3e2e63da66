/** Who is whose child, read from /proc; only the processes of the caller's PID namespace are in it. */
import { readdir, readFile } from 'node:fs/promises'

export type ProcessEntry = {
  readonly pid: number
  readonly parent: number
  readonly session: number
  /** Clock ticks since boot: with `pid` it names a process for good, whatever is started later. */
  readonly startTime: string
  /** One letter of proc(5); `Z` has ended and waits to be reaped. */
  readonly state: string
}

export async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    // ENOENT or ESRCH: it ended meanwhile, which is an answer.
    return undefined
  }
}

export async function listProcesses(): Promise<readonly ProcessEntry[]> {
  const names = await readdir('/proc')
  const entries = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readProcess(Number(name))))
  return entries.filter((entry) => entry !== undefined)
}

export async function childProcesses(pid: number): Promise<readonly number[]> {
  const listed = await readChildrenFile(pid)
  if (listed !== undefined) return listed
  return (await listProcesses()).filter((entry) => entry.parent === pid).map((entry) => entry.pid)
}

/** Present where the kernel has CONFIG_PROC_CHILDREN; only the main thread's, which is enough for the tools started here. */
async function readChildrenFile(pid: number): Promise<readonly number[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    return undefined
  }
}

/** The command name in parentheses may hold anything, blanks and parentheses too: fields count from the last `)`. */
export function parseStat(text: string): ProcessEntry | undefined {
  const close = text.lastIndexOf(')')
  if (close < 0) return undefined
  const fields = text.slice(close + 2).split(' ')
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTime: fields[19] ?? '',
  }
}
