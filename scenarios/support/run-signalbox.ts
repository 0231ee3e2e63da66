/** The program under test as its user starts it, and the host as it should be found again. */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const SIGNALBOX = `${ROOT}signalbox`

export type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string }

export function signalbox(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return run(SIGNALBOX, args, env)
}

export function run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}

/** What must be the same before and after: rules, namespaces and links of the host. Counters are left out. */
export function hostState(): Readonly<Record<string, string>> {
  const print = (file: string, ...args: string[]): string => {
    const { stdout, error } = spawnSync(file, args, { encoding: 'utf8' })
    return error === undefined ? stdout.replace(/^#.*$/gm, '').replace(/\[\d+:\d+\]/g, '') : 'not installed'
  }
  return {
    iptables: print('iptables-save'),
    ip6tables: print('ip6tables-save'),
    nftables: print('nft', 'list', 'ruleset'),
    namespaces: print('ip', 'netns'),
    links: print('ip', '-o', 'link').replace(/qlen \d+/g, ''),
    mounts: readFileSync('/proc/self/mounts', 'utf8'),
  }
}

/** Processes that carry this mark in their environment: everything a run has started, however deep. */
export function processesMarked(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SIGNALBOX_TEST_MARK=${mark}`)
      } catch {
        // Ended, or another user's: neither is ours.
        return false
      }
    })
    .map(Number)
}

export async function eventually(what: string, holds: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not in ${seconds} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
