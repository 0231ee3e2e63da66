/** `kubectl exec`: a program beside the container's main process, its streams the client's. It ends with the connection. */
import type { Pty } from '#kernel'
import { openPty } from '#kernel'
import { messageOf } from '#lib'

import type { ContainerCommand, ContainerExit } from '../container-process.ts'
import { exitOf, killAll, spawnInPod, startProblem } from '../container-process.ts'
import type { RemoteStreams } from './remote-streams.ts'
import { exitStatus, failureStatus } from './remote-streams.ts'
import type { OpenStreams, StreamOptions } from './remote-streams.ts'
import { streamsOf } from './terminal-command.ts'

export type ExecRequest = {
  readonly podPid: number
  readonly command: ContainerCommand
  readonly options: StreamOptions
  readonly open: OpenStreams
}

export async function serveExec(request: ExecRequest): Promise<void> {
  const { command, options, podPid, open } = request
  const early: Buffer[] = []
  let size: Parameters<Pty['resize']>[0] | undefined
  let inputEnded = false
  let gone = false
  const closed = Promise.withResolvers<void>()
  // What comes before the program is there is kept; most clients send nothing before they see output.
  let sinks = {
    input: (data: Buffer): void => void early.push(data),
    inputEnd: (): void => void (inputEnded = true),
    resize: (to: Parameters<Pty['resize']>[0]): void => void (size = to),
    drain: (): void => undefined,
  }
  const remote = open({
    onInput: (data) => sinks.input(data),
    onInputEnd: () => sinks.inputEnd(),
    onResize: (to) => sinks.resize(to),
    onDrain: () => sinks.drain(),
    onClose: () => {
      gone = true
      closed.resolve()
    },
  })
  if (remote === undefined) return
  let pty: Pty | undefined
  try {
    const problem = await startProblem(command)
    if (problem !== undefined) {
      remote.finish(failureStatus(`error executing command in container: failed to exec in container: ${problem}`))
      return
    }
    pty = options.tty ? await openPty() : undefined
    if (gone) return
    const child = spawnInPod(podPid, command, { pty, stdin: options.input })
    const { stdin, outputs } = streamsOf(child, pty)
    const exited = new Promise<ContainerExit>((done) => {
      child.once('error', () => done({ exitCode: 126 }))
      child.once('exit', (code, signal) => done(exitOf(code, signal)))
    })
    sinks = {
      input: (data) => {
        if (!options.input || stdin === undefined || stdin.destroyed || stdin.writableEnded) return
        if (stdin.write(data)) return
        remote.pauseInput()
        stdin.once('drain', () => remote.resumeInput())
      },
      inputEnd: () => {
        // A terminal's input ends with its end-of-file character.
        if (pty === undefined) stdin?.end()
        else stdin?.write('\u0004')
      },
      resize: (to) => pty?.resize(to),
      drain: () => {
        for (const { from } of outputs) from.resume()
      },
    }
    stdin?.once('close', () => remote.resumeInput())
    if (size !== undefined) pty?.resize(size)
    for (const data of early) sinks.input(data)
    if (inputEnded) sinks.inputEnd()
    const drained = outputs.map(({ stream, from }) => {
      from.on('data', (chunk: Buffer) => {
        const wanted = stream === 'stdout' ? options.output : options.error
        if (wanted && !remote.write(stream, chunk)) from.pause()
      })
      return new Promise<void>((done) => from.once('close', done))
    })
    await finish({ remote, exited, drained, closed: closed.promise, kill: () => killAll(child) })
  } catch (error) {
    remote.finish(failureStatus(messageOf(error)))
  } finally {
    pty?.close()
  }
}

async function finish(running: {
  readonly remote: RemoteStreams
  readonly exited: Promise<ContainerExit>
  readonly drained: readonly Promise<void>[]
  readonly closed: Promise<void>
  readonly kill: () => Promise<void>
}): Promise<void> {
  const { remote, exited, drained, closed, kill } = running
  const ended = exited.then(async (exit) => {
    // A program it left behind may keep the outputs open: the client goes first then.
    await Promise.race([Promise.all(drained), closed])
    return exit
  })
  const exit = await Promise.race([ended, closed.then(() => undefined)])
  if (exit === undefined) await kill()
  else remote.finish(exitStatus(exit.exitCode))
}
