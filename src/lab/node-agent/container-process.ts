/**
 * One run of a container: its main process in the pod's namespaces, its output in its log, and its end.
 *
 * nsenter stays as the parent, in a session of its own; everything the container starts inherits that session, which is how
 * what it leaves behind is found. The signal to stop goes to the main process only, as a container runtime does it.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { constants as system } from 'node:os'
import { join, resolve } from 'node:path'

import type { Argv, NamespaceKind, Pty } from '#kernel'
import type { Clock } from '#lib'
import { childProcesses, inNamespacesOf, listProcesses } from '#kernel'

import type { ContainerLog } from './container-log.ts'
import { ContainerIo } from './streams/container-io.ts'
import { onTerminal, streamsOf } from './streams/terminal-command.ts'
import { within } from './within.ts'

export type ContainerCommand = {
  readonly argv: Argv
  readonly env: Readonly<Record<string, string>>
  readonly workingDir?: string
  /** Whether its standard input stays open for somebody who attaches; the others read an empty one. */
  readonly stdin?: boolean
}

/** `signal` is its number, as in ContainerStateTerminated. */
export type ContainerExit = { readonly exitCode: number; readonly signal?: number }

export interface ContainerProcess {
  /** As numbered in the sandbox; undefined until it has started and after it has ended. */
  mainPid(): Promise<number | undefined>
  readonly exited: Promise<ContainerExit>
  /** Where `kubectl attach` meets it. */
  readonly io: ContainerIo
  terminate(): Promise<void>
  /** The main process and everything of its session. */
  kill(): Promise<void>
}

export type ContainerPlace = {
  readonly podPid: number
  readonly clock: Clock
  /** Its terminal, if it has one. */
  readonly pty?: Pty | undefined
}

const POD_NAMESPACES: readonly NamespaceKind[] = ['mount', 'net', 'uts', 'ipc', 'pid']
/** A descendant may hold the output open after the main process has ended. */
const DRAIN_LIMIT = 2000

export function startContainerProcess(
  command: ContainerCommand,
  log: ContainerLog,
  { podPid, clock, pty }: ContainerPlace,
): ContainerProcess {
  const child = spawnInPod(podPid, command, { pty, stdin: command.stdin === true })
  const streams = streamsOf(child, pty)
  const io = new ContainerIo(streams, pty)
  io.onOutput((stream, chunk) => log.append(stream, chunk))
  const closed = new Promise<void>((done) => child.once('close', () => done()))
  const exited = new Promise<ContainerExit>((done) => {
    child.once('error', () => done({ exitCode: 128 }))
    child.once('exit', (code, signal) => done(exitOf(code, signal)))
  }).then(async (exit) => {
    await killSession(child.pid)
    await within(clock, DRAIN_LIMIT, pty === undefined ? closed : io.drained)
    io.end()
    log.end()
    return exit
  })
  const mainPid = async (): Promise<number | undefined> =>
    child.pid === undefined ? undefined : (await childProcesses(child.pid))[0]
  return {
    mainPid,
    exited,
    io,
    terminate: async () => {
      const pid = await mainPid()
      if (pid !== undefined) sendSignal(pid, 'SIGTERM')
      // nsenter has not got as far as starting it.
      else child.kill('SIGTERM')
    },
    kill: () => killAll(child),
  }
}

export type ExecResult = { readonly exitCode: number; readonly timedOut: boolean; readonly output: string }

/** A command beside the main process, for exec probes and hooks; its output (at most 10 KiB) is for messages. */
export async function execInPod(
  podPid: number,
  command: ContainerCommand,
  limit: { readonly clock: Clock; readonly milliseconds: number },
): Promise<ExecResult> {
  const child = spawnInPod(podPid, command, { pty: undefined, stdin: false })
  let output = ''
  let timedOut = false
  const collect = (chunk: Buffer): void => {
    if (output.length < 10_240) output += chunk.toString('utf8')
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const cancel = limit.clock.after(limit.milliseconds, () => {
    timedOut = true
    void killAll(child)
  })
  const { exitCode } = await new Promise<ContainerExit>((done) => {
    child.once('error', () => done({ exitCode: 126 }))
    child.once('exit', (code, signal) => done(exitOf(code, signal)))
  })
  cancel()
  return { exitCode, timedOut, output: output.slice(0, 10_240) }
}

/** The slave of `pty` is closed here: from now on only the program has it. */
export function spawnInPod(
  podPid: number,
  command: ContainerCommand,
  streams: { readonly pty: Pty | undefined; readonly stdin: boolean },
): ChildProcess {
  const { argv, env, workingDir } = command
  const { pty, stdin } = streams
  // nsenter before 2.38 cannot change directory on the other side.
  const cd = ['sh', '-c', 'cd -- "$1" && shift && exec "$@"', 'sh'] as const
  const there: Argv = workingDir === undefined || workingDir === '' ? argv : [...cd, workingDir, ...argv]
  const inside = pty === undefined ? there : onTerminal(there)
  const [file, ...args] = inNamespacesOf(podPid, POD_NAMESPACES, inside)
  const stdio = pty === undefined ? (['pipe', 'pipe', 'pipe'] as const) : ([pty.slave, pty.slave, pty.slave] as const)
  const child = spawn(file, args, {
    stdio: pty === undefined && !stdin ? ['ignore', 'pipe', 'pipe'] : [...stdio],
    env,
    detached: true,
  })
  pty?.closeSlave()
  return child
}

export function exitOf(code: number | null, signal: NodeJS.Signals | null): ContainerExit {
  if (signal === null) {
    const exitCode = code ?? 0
    return exitCode > 128 && exitCode < 193 ? { exitCode, signal: exitCode - 128 } : { exitCode }
  }
  const number = system.signals[signal]
  return { exitCode: 128 + number, signal: number }
}

/** nsenter ends with its child. Killed before it, it would leave the child to a process that does not wait for it. */
export async function killAll(child: ChildProcess): Promise<void> {
  // On a terminal the program leads a session of its own.
  const inner = child.pid === undefined ? [] : await childProcesses(child.pid)
  const killed = await Promise.all([child.pid, ...inner].map(killSession))
  for (const pid of inner) sendSignal(pid, 'SIGKILL')
  if (killed.every((count) => count === 0) && inner.length === 0) child.kill('SIGKILL')
}

/** How many were there. */
async function killSession(session: number | undefined): Promise<number> {
  const members = (await listProcesses()).filter((entry) => entry.session === session && entry.pid !== session)
  for (const entry of members) sendSignal(entry.pid, 'SIGKILL')
  return members.length
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Why this command cannot start, found before it is tried, because afterwards it would look like a program that failed. The
 * pod's file system is the node's.
 */
export async function startProblem(command: ContainerCommand): Promise<string | undefined> {
  const [file] = command.argv
  const cwd = command.workingDir ?? '/'
  const folder = await stat(cwd).catch(() => undefined)
  if (folder?.isDirectory() !== true) return `working directory "${cwd}" does not exist`
  const places = file.includes('/')
    ? [resolve(cwd, file)]
    : (command.env['PATH'] ?? '').split(':').map((dir) => join(dir, file))
  const runnable = await Promise.all(places.map(isRunnable))
  if (runnable.includes(true)) return undefined
  return file.includes('/') ? `exec: "${file}": cannot be run` : `exec: "${file}": executable file not found in $PATH`
}

async function isRunnable(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true) return false
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
