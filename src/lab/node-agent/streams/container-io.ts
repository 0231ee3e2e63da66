/**
 * Where those who attach to a container meet its main process: output goes to the log and to everybody attached, input comes
 * from anybody attached (kubelet, CRI Attach).
 */
import type { Writable } from 'node:stream'

import type { Pty, TerminalSize } from '#kernel'

import type { OutputStream } from './remote-streams.ts'
import type { ProcessStreams } from './terminal-command.ts'

export type OutputListener = (stream: OutputStream, chunk: Buffer) => void

export class ContainerIo {
  readonly #streams: ProcessStreams
  readonly #pty: Pty | undefined
  readonly #listeners = new Set<OutputListener>()
  readonly #over = Promise.withResolvers<void>()
  /** Resolves when the outputs have ended by themselves. */
  readonly drained: Promise<void>

  constructor(streams: ProcessStreams, pty: Pty | undefined) {
    this.#streams = streams
    this.#pty = pty
    for (const { stream, from } of streams.outputs) {
      from.on('data', (chunk: Buffer) => {
        for (const listener of this.#listeners) listener(stream, chunk)
      })
    }
    const ends = streams.outputs.map(({ from }) => new Promise<void>((done) => from.once('close', () => done())))
    this.drained = Promise.all(ends).then(() => undefined)
  }

  /** Undefined: the container has no input to write to. */
  get input(): Writable | undefined {
    return this.#streams.stdin
  }

  get hasTerminal(): boolean {
    return this.#pty !== undefined
  }

  /** Resolves when the main process has ended and nothing more comes. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  onOutput(listener: OutputListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  resize(size: TerminalSize): void {
    this.#pty?.resize(size)
  }

  end(): void {
    for (const { from } of this.#streams.outputs) from.destroy()
    this.#pty?.close()
    this.#over.resolve()
  }
}
