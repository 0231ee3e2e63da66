/**
 * The outer wall of the box: one process tree in its own user, mount, network, PID, UTS and IPC namespaces. No root is
 * needed; inside, the caller is root.
 *
 * Nothing survives its supervisor, by three independent means: setpriv ties `unshare` to the supervisor's life
 * (PR_SET_PDEATHSIG), `--kill-child` ties the first process inside to `unshare`, and the kernel ends a PID namespace with
 * its first process. With the last process go all interfaces, rules and mounts. The command should also exit when its IPC
 * channel closes, which covers the moment before setpriv has run.
 *
 * /run inside is a fresh tmpfs: runtime files never touch the host, and are reached from outside through
 * /proc/HOSTPID/root/run/signalbox.
 */
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { access } from 'node:fs/promises'

import type { Argv } from '#kernel'
import type { Clock } from '#lib'
import { childProcesses, readProcess } from '#kernel'
import { SignalboxError, systemClock } from '#lib'

export const RUNTIME_DIR = '/run/signalbox'

export type SandboxExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type SandboxOptions = {
  /** What runs as process 1 inside; an IPC channel to it is open (`process.send`, `child.send`). */
  readonly command: Argv
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** stdin, stdout and stderr of the command; inherited if not given. The IPC channel is added. */
  readonly stdio?: readonly ['ignore' | 'inherit' | 'pipe', Output, Output]
  /** Directories of the host below /run that stay visible, the state directory for instance. */
  readonly keep?: readonly string[]
  readonly onExit?: (exit: SandboxExit) => void
  readonly clock?: Clock
}

type Output = 'ignore' | 'inherit' | 'pipe' | number

export interface Sandbox {
  /** The first process inside, as numbered outside. */
  readonly hostPid: number
  readonly child: ChildProcess
  readonly exited: Promise<SandboxExit>
  /** Ends everything inside at once; resolves when it is gone. */
  kill(): Promise<SandboxExit>
}

/**
 * Runs inside before the command: hides the host's /run behind a tmpfs, keeping the directories asked for (the old /run stays
 * reachable through descriptor 9), and leaves a mark by which the supervisor knows that it may look inside.
 */
const PRELUDE = `
set -e
mark=$1; shift
exec 9</run
mount -t tmpfs -o mode=0755 tmpfs /run
while [ "$1" != -- ]; do
  mkdir -p "/run/$1"
  mount --no-canonicalize --bind "/proc/self/fd/9/$1" "/run/$1"
  shift
done
shift
exec 9<&-
mkdir -p /run/netns /run/lock
mkdir -m 0700 ${RUNTIME_DIR}
: > "${RUNTIME_DIR}/$mark"
exec "$@"
`

/**
 * Resolves when the command's process is inside and about to run.
 *
 * @throws SBX_SANDBOX_FAILED if the wall cannot be built here (`probeSandbox` says why), or if the command has ended before
 *   it was seen: this is for what stays
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const clock = options.clock ?? systemClock
  const mark = `mark-${randomUUID()}`
  const [file, ...args] = sandboxArgv(options, mark)
  const child = spawn(file, args, {
    env: withSystemPath({ ...process.env, ...options.env }),
    stdio: [...(options.stdio ?? ['inherit', 'inherit', 'inherit']), 'ipc'] as StdioOptions,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const exited = new Promise<SandboxExit>((resolve, reject) => {
    child.once('error', (cause) => reject(new SignalboxError('SBX_SANDBOX_FAILED', cause.message, { cause })))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  if (options.onExit !== undefined) void exited.then(options.onExit, () => undefined)
  const hostPid = await waitUntilInside({ child, exited, mark, clock })
  const kill = async (): Promise<SandboxExit> => {
    child.kill('SIGKILL')
    const exit = await exited
    while (await isAlive(hostPid)) await clock.sleep(2)
    return exit
  }
  return { hostPid, child, exited, kill }
}

export function sandboxArgv(options: Pick<SandboxOptions, 'command' | 'keep'>, mark: string): Argv {
  const keep = (options.keep ?? []).filter((path) => path.startsWith('/run/')).map((path) => path.slice('/run/'.length))
  return [
    'setpriv',
    '--pdeathsig=KILL',
    '--',
    'unshare',
    '--user',
    '--map-root-user',
    '--mount',
    '--net',
    '--pid',
    '--uts',
    '--ipc',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    '--',
    'sh',
    '-c',
    PRELUDE,
    'sh',
    mark,
    ...keep,
    '--',
    ...options.command,
  ]
}

/** `ip`, `iptables` and friends live where an ordinary user's PATH does not look. */
export function withSystemPath<T extends Readonly<Record<string, string | undefined>>>(env: T): T & { PATH: string } {
  const paths = [...(env['PATH'] ?? '').split(':').filter(Boolean), '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return { ...env, PATH: [...new Set(paths)].join(':') }
}

type Waiting = {
  readonly child: ChildProcess
  readonly exited: Promise<SandboxExit>
  readonly mark: string
  readonly clock: Clock
}

async function waitUntilInside({ child, exited, mark, clock }: Waiting): Promise<number> {
  let ended: SandboxExit | undefined
  void exited.then((exit) => (ended = exit)).catch(() => (ended = { code: null, signal: null }))
  while (ended === undefined && child.pid !== undefined) {
    const [hostPid] = await childProcesses(child.pid)
    if (hostPid !== undefined && (await exists(`/proc/${hostPid}/root${RUNTIME_DIR}/${mark}`))) return hostPid
    await clock.sleep(2)
  }
  const exit = await exited
  const how = exit.signal === null ? `status ${exit.code}` : exit.signal
  throw new SignalboxError('SBX_SANDBOX_FAILED', `the sandbox ended while it was being made: ${how}`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function isAlive(pid: number): Promise<boolean> {
  const entry = await readProcess(pid)
  return entry !== undefined && entry.state !== 'Z' && entry.state !== 'X'
}
