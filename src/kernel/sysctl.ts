/**
 * Kernel settings under /proc/sys. Those below `net/` belong to the network namespace of whoever opens the file, so writing
 * another namespace's needs a child there (`configureNetns`).
 */
import { readFile, writeFile } from 'node:fs/promises'

import { SignalboxError } from '#lib'

export type Sysctl = {
  /** With slashes: `net/ipv4/ip_forward`; interface names may contain dots. */
  readonly path: string
  readonly value: string
  /** A kernel without this setting (a module not loaded, IPv6 compiled out) is fine. */
  readonly optional?: boolean
}

/** Undefined: this kernel has no such setting. */
export async function readSysctl(path: string): Promise<string | undefined> {
  try {
    return (await readFile(`/proc/sys/${path}`, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw sysctlFailure(path, error)
  }
}

/** Sets each in the caller's own namespaces; false for those that are optional and absent. */
export async function writeSysctls(sysctls: readonly Sysctl[]): Promise<boolean[]> {
  const written: boolean[] = []
  for (const { path, value, optional } of sysctls) {
    try {
      await writeFile(`/proc/sys/${path}`, value)
      written.push(true)
    } catch (error) {
      const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!absent || optional !== true) throw sysctlFailure(path, error)
      written.push(false)
    }
  }
  return written
}

function sysctlFailure(path: string, cause: unknown): SignalboxError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  return new SignalboxError('SBX_SYSCTL_FAILED', `cannot access sysctl ${path}: ${code}`, { cause, facts: { path } })
}
