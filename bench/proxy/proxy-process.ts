/** `signalbox proxy` as a user starts it, its log, and what it has used. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { configureNetns } from '#kernel'
import { writeKubeconfig } from '#watch'

import { CLUSTER_CIDRS, NODE_NAME, SERVICE_CIDRS } from './cluster.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

export type ProxyProcess = {
  readonly pid: number
  readonly child: ChildProcess
  /** Everything it has logged so far. */
  readonly log: readonly LogLine[]
  /** Resolves at the next line that is one of these; rejects when the process ends. */
  readonly line: (wanted: (line: LogLine) => boolean) => Promise<LogLine>
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
}

export type StartProxy = {
  readonly mode: 'iptables' | 'nftables'
  readonly url: string
  /** Where its kubeconfig goes. */
  readonly folder: string
  /** Before everything else in PATH. */
  readonly tools?: string
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export function startProxy({ mode, url, folder, tools }: StartProxy): ProxyProcess {
  const kubeconfig = join(folder, 'kubeconfig')
  writeKubeconfig(kubeconfig, { name: 'recorded', server: url })
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning', MAIN, 'proxy']
  const settings = {
    kubeconfig,
    'proxy-mode': mode,
    'hostname-override': NODE_NAME,
    'cluster-cidr': CLUSTER_CIDRS,
    'service-cluster-ip-range': SERVICE_CIDRS,
  }
  const args = [...flags, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)]
  const path = tools === undefined ? process.env['PATH'] : `${tools}:${process.env['PATH'] ?? ''}`
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PATH: path, SIGNALBOX_LOG: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const log: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  let rest = ''
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      const line = parse(text)
      log.push(line)
      for (const wake of waiting) wake(line)
    }
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const line: ProxyProcess['line'] = (wanted) =>
    new Promise((resolve, reject) => {
      const wake = (found: LogLine): void => {
        if (!wanted(found)) return
        waiting.delete(wake)
        resolve(found)
      }
      waiting.add(wake)
      void ended.then(() => reject(new Error(`the proxy has ended: ${JSON.stringify(log.slice(-3))}`)))
    })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    child.kill(signal)
    await ended
  }
  return { pid: child.pid ?? 0, child, log, line, stop }
}

function parse(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return { msg: text }
  }
}

/** The Node's addresses, in this network namespace: the proxy looks for them. */
export function addNodeAddresses(): Promise<void> {
  const lines = ['addr add 172.18.0.11/32 dev lo', 'addr add fd00:172:18::11/128 dev lo nodad']
  return configureNetns({ lines })
}

/** A folder in which the plain names of iptables' tools are the legacy variant's. */
export function legacyTools(folder: string): string {
  const tools = join(folder, 'legacy')
  mkdirSync(tools)
  for (const family of ['iptables', 'ip6tables']) {
    for (const end of ['', '-save', '-restore'])
      symlinkSync('/usr/sbin/xtables-legacy-multi', join(tools, family + end))
  }
  return tools
}

/** Milliseconds of CPU of a process and of all children it has waited for. The kernel counts in steps of 10 ms. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number)
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15)
  return (user + system + childUser + childSystem) * 10
}

/** MiB. */
export function memoryOf(pid: number): { readonly resident: number; readonly highest: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024)
  return { resident: field('VmRSS'), highest: field('VmHWM') }
}

/** MiB of the whole machine in kernel objects that rules are made of: as noisy as the machine is busy. */
export function kernelMemory(): number {
  const text = readFileSync('/proc/meminfo', 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return (field('Slab') + field('VmallocUsed') + field('Percpu')) / 1024
}
