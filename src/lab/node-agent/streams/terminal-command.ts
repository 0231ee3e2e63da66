/**
 * A program in a pod with streams that somebody holds the other end of: pipes, or a terminal. With a terminal the program
 * leads a session of its own inside the pod's PID namespace, so that job control works there.
 */
import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

import type { Argv, Pty } from '#kernel'

/** Runs `argv` as the session leader of the terminal on its standard input (util-linux). */
export function onTerminal(argv: Argv): Argv {
  return ['setsid', '--ctty', '--wait', '--', ...argv]
}

export type ProcessStreams = {
  readonly stdin: Writable | undefined
  /** One for a terminal, which does not tell output and errors apart. */
  readonly outputs: readonly { readonly stream: 'stdout' | 'stderr'; readonly from: Readable }[]
}

export function streamsOf(child: ChildProcess, pty: Pty | undefined): ProcessStreams {
  if (pty !== undefined) return { stdin: pty.stream, outputs: [{ stream: 'stdout', from: pty.stream }] }
  const stdin = child.stdin ?? undefined
  // The program may end, or close its input, before all of it is written.
  stdin?.on('error', () => stdin.destroy())
  const outputs = [
    { stream: 'stdout' as const, from: child.stdout },
    { stream: 'stderr' as const, from: child.stderr },
  ]
  return { stdin, outputs: outputs.filter((one): one is ProcessStreams['outputs'][number] => one.from !== null) }
}
