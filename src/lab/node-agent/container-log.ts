/**
 * The log of one run of one container: a file in the CRI format (`TIME stdout|stderr F|P TEXT`), bounded by one rotation,
 * and those who follow it live.
 *
 * Writes are synchronous: the files are on a tmpfs, order is kept, and a container that writes faster than that is slowed
 * down by its own pipe. Reading and following join without a gap because both happen in one turn of the event loop.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'

import type { Clock } from '#lib'

export type LogStream = 'stdout' | 'stderr'

export type LogEntry = {
  readonly time: string
  readonly stream: LogStream
  /** `P`: the line goes on in the next entry of this stream. */
  readonly tag: 'F' | 'P'
  readonly text: string
}

export type ContainerLogOptions = {
  readonly path: string
  readonly clock: Clock
  /** Bytes in the file before it is set aside as `.1`; two such files at the most. 4 MiB if not given. */
  readonly limit?: number
}

const LINE_LIMIT = 16_384
const NEWLINE = 10

export class ContainerLog {
  readonly #options: ContainerLogOptions
  readonly #rest: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  readonly #followers = new Set<(entry: LogEntry | undefined) => void>()
  #file: number
  #size = 0
  #ended = false

  constructor(options: ContainerLogOptions) {
    this.#options = options
    this.#file = openSync(options.path, 'a', 0o600)
  }

  get ended(): boolean {
    return this.#ended
  }

  append(stream: LogStream, chunk: Buffer): void {
    if (this.#ended) return
    let data = this.#rest[stream].length === 0 ? chunk : Buffer.concat([this.#rest[stream], chunk])
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE)) {
      this.#writeLine(stream, data.subarray(0, end), 'F')
      data = data.subarray(end + 1)
    }
    while (data.length > LINE_LIMIT) {
      this.#write({ stream, tag: 'P', text: data.subarray(0, LINE_LIMIT).toString('utf8') })
      data = data.subarray(LINE_LIMIT)
    }
    this.#rest[stream] = Buffer.from(data)
  }

  /** What is left without a line break becomes a line; followers are told that nothing comes any more. */
  end(): void {
    if (this.#ended) return
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream].length > 0) this.#writeLine(stream, this.#rest[stream], 'F')
    }
    this.#ended = true
    closeSync(this.#file)
    for (const follower of this.#followers) follower(undefined)
    this.#followers.clear()
  }

  /** Everything that is kept, oldest first. */
  read(): readonly LogEntry[] {
    return readLogFiles(this.#options.path)
  }

  /** Calls with each entry to come, and once with undefined at the end. The returned function unsubscribes. */
  follow(follower: (entry: LogEntry | undefined) => void): () => void {
    if (this.#ended) follower(undefined)
    else this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** Takes its files away; there is nothing to read any more. */
  remove(): void {
    this.end()
    for (const file of [this.#options.path, `${this.#options.path}.1`]) rmSync(file, { force: true })
  }

  #writeLine(stream: LogStream, line: Buffer, tag: 'F' | 'P'): void {
    let rest = line
    while (rest.length > LINE_LIMIT) {
      this.#write({ stream, tag: 'P', text: rest.subarray(0, LINE_LIMIT).toString('utf8') })
      rest = rest.subarray(LINE_LIMIT)
    }
    this.#write({ stream, tag, text: rest.toString('utf8') })
  }

  #write(content: Omit<LogEntry, 'time'>): void {
    const entry = { time: new Date(this.#options.clock.now()).toISOString(), ...content }
    const line = Buffer.from(`${entry.time} ${entry.stream} ${entry.tag} ${entry.text}\n`)
    if (this.#size + line.length > (this.#options.limit ?? 4 * 1_048_576) && this.#size > 0) this.#rotate()
    writeSync(this.#file, line)
    this.#size += line.length
    for (const follower of this.#followers) follower(entry)
  }

  #rotate(): void {
    closeSync(this.#file)
    renameSync(this.#options.path, `${this.#options.path}.1`)
    this.#file = openSync(this.#options.path, 'a', 0o600)
    this.#size = 0
  }
}

function readLogFiles(path: string): readonly LogEntry[] {
  return [`${path}.1`, path].flatMap((file) => {
    try {
      return readFileSync(file, 'utf8')
        .split('\n')
        .map(parseEntry)
        .filter((entry) => entry !== undefined)
    } catch (error) {
      // Not rotated yet, or removed with its pod.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}

export function parseEntry(line: string): LogEntry | undefined {
  const found = /^(\S+) (stdout|stderr) ([FP]) ?(.*)$/.exec(line)
  if (found === null) return undefined
  const [, time = '', stream, tag, text = ''] = found
  return { time, stream: stream as LogStream, tag: tag as 'F' | 'P', text }
}
