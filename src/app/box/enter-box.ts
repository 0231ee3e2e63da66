/** Commands inside a running box, for `exec`, `shell` and `explain`. */
import { spawn } from 'node:child_process'

import { SignalboxError } from '#lib'
import type { EnterCommand, PodRecord } from '#lab'
import { enterHost, enterPod, listPodRecords } from '#lab'

import type { BoxRecord } from './box-record.ts'
import { requireBox } from './box-record.ts'
import { runtimeDirFromOutside } from './box-layout.ts'

type Argv = readonly [string, ...string[]]

/** Leads a command line onto a node (or the control plane, or the client) of the box. */
export function onBoxNode(box: BoxRecord, name: string): (argv: Argv) => readonly string[] {
  return (argv) => enterHost(box.init.pid, { netns: name }, argv).argv
}

export type ExecOptions = {
  readonly pod: string
  readonly namespace: string
  readonly container?: string
  readonly command: readonly string[]
  readonly stateDir?: string
}

/** Resolves with the command's exit status. */
export async function execInPod(options: ExecOptions): Promise<number> {
  const box = requireBox(options.stateDir)
  const [file, ...args] = options.command
  if (file === undefined) throw new SignalboxError('SBX_CLI_USAGE', 'name a command after --')
  const pod = await findPod(box, options.pod, options.namespace)
  if (pod === undefined) throw noSuchPlace(`pod ${options.namespace}/${options.pod}`)
  const { container } = options
  return attach(enterPodOf(box, { pod, argv: [file, ...args], ...(container === undefined ? {} : { container }) }))
}

export type ShellOptions = {
  readonly target: string
  readonly namespace: string
  readonly command: readonly string[]
  readonly stateDir?: string
}

export async function shellInto(options: ShellOptions): Promise<number> {
  const box = requireBox(options.stateDir)
  const [file = process.env['SHELL'] ?? '/bin/bash', ...args] = options.command
  const argv: Argv = [file, ...args]
  const hosts = ['control-plane', 'client', ...box.nodes.map((node) => node.name)]
  if (hosts.includes(options.target)) return attach(enterHost(box.init.pid, { netns: options.target }, argv))
  const pod = await findPod(box, options.target, options.namespace)
  if (pod === undefined) throw noSuchPlace(`node or pod ${options.target}`)
  return attach(enterPodOf(box, { pod, argv }))
}

export async function findPod(box: BoxRecord, name: string, namespace: string): Promise<PodRecord | undefined> {
  const [first, second] = name.split('/', 2)
  const wanted = second === undefined ? { namespace, name } : { namespace: first ?? '', name: second }
  const records = await listPodRecords(runtimeDirFromOutside(box.init.pid))
  return records.find((record) => record.namespace === wanted.namespace && record.name === wanted.name)
}

export type EnterPodOf = { readonly pod: PodRecord; readonly argv: Argv; readonly container?: string }

export function enterPodOf(box: BoxRecord, { pod, argv, container }: EnterPodOf): EnterCommand {
  const term = process.env['TERM']
  return enterPod({
    hostPid: box.init.pid,
    pod,
    argv,
    ...(container === undefined ? {} : { container }),
    ...(term === undefined ? {} : { term }),
  })
}

/** Terminal, stdin and exit status are the caller's; a signal ends as the shell reports it, 128 + number. */
function attach(command: EnterCommand): Promise<number> {
  const [file, ...args] = command.argv
  return new Promise((resolve, reject) => {
    // The terminal sends Ctrl-C to the whole foreground group; it is the command's to answer, not ours.
    const ignore = (): void => undefined
    process.on('SIGINT', ignore)
    const child = spawn(file, args, { stdio: 'inherit', env: command.env ?? process.env })
    child.on('error', (cause) =>
      reject(new SignalboxError('SBX_COMMAND_NOT_FOUND', `cannot run ${file}: ${cause.message}`, { cause })),
    )
    child.on('exit', (status, signal) => {
      process.off('SIGINT', ignore)
      resolve(status ?? (signal === 'SIGINT' ? 130 : 137))
    })
  })
}

function noSuchPlace(what: string): SignalboxError {
  return new SignalboxError('SBX_BOX_NO_SUCH_PLACE', `there is no running ${what} in the box`)
}
