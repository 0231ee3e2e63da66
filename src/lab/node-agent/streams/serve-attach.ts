/** `kubectl attach`: the standard streams of the container's main process, which lives on when the client leaves. */
import type { ContainerIo } from './container-io.ts'
import type { OpenStreams, StreamOptions } from './remote-streams.ts'
import { exitStatus } from './remote-streams.ts'

export type AttachRequest = {
  readonly io: ContainerIo
  readonly options: StreamOptions
  /** `stdinOnce`: the input ends with the first client that had it. */
  readonly closesInput: boolean
  readonly open: OpenStreams
}

/** Bytes that one slow client may have outstanding are bounded by its socket; beyond it output is left out for it. */
export async function serveAttach({ io, options, closesInput, open }: AttachRequest): Promise<void> {
  const closed = Promise.withResolvers<void>()
  let congested = false
  const endInput = (): void => {
    if (options.input && closesInput && !io.hasTerminal) io.input?.end()
  }
  const remote = open({
    onInput: (data) => {
      const { input } = io
      if (!options.input || input === undefined || input.destroyed || input.writableEnded) return
      if (input.write(data)) return
      remote?.pauseInput()
      input.once('drain', () => remote?.resumeInput())
    },
    onInputEnd: endInput,
    onResize: (size) => io.resize(size),
    onDrain: () => void (congested = false),
    onClose: () => {
      endInput()
      closed.resolve()
    },
  })
  if (remote === undefined) return
  const stop = io.onOutput((stream, chunk) => {
    const wanted = stream === 'stdout' ? options.output : options.error
    if (!wanted || congested) return
    congested = !remote.write(stream, chunk)
  })
  await Promise.race([io.over, closed.promise])
  stop()
  remote.finish(exitStatus(0))
}
