/**
 * The streams of `kubectl exec` and `attach` over SPDY, as kubectl before 1.30 opens them: one for each of stdin, stdout,
 * stderr, errors and sizes, all by the client (`v4.channel.k8s.io`).
 */
import type { OutputStream, RemoteEvents, RemoteStreams } from './remote-streams.ts'
import { parseSize } from './remote-streams.ts'
import type { SpdyStream } from './spdy-connection.ts'
import { acceptSpdy } from './spdy-upgrade.ts'
import type { StreamOptions } from './remote-streams.ts'
import type { UpgradeRequest } from './websocket-server.ts'

type Name = OutputStream | 'stdin' | 'error' | 'resize'

export function openSpdyStreams(
  upgrade: UpgradeRequest,
  events: RemoteEvents,
  options: StreamOptions,
): RemoteStreams | { readonly problem: string } {
  const streams = new Map<string, SpdyStream>()
  /** What is to be sent on a stream that the client has not opened yet. */
  const waiting: { readonly name: Name; readonly send: (stream: SpdyStream) => void }[] = []
  const wanted: readonly Name[] = [
    'error',
    ...(options.output ? (['stdout'] as const) : []),
    ...(options.error ? (['stderr'] as const) : []),
  ]
  let finish: (() => void) | undefined

  const withStream = (name: Name, send: (stream: SpdyStream) => void): void => {
    const stream = streams.get(name)
    if (stream === undefined) waiting.push({ name, send })
    else send(stream)
  }
  const onStream = (stream: SpdyStream): void => {
    const name = stream.headers.get('streamtype') ?? ''
    streams.set(name, stream)
    if (name === 'stdin') {
      stream.onData = events.onInput
      stream.onEnd = events.onInputEnd
    } else if (name === 'resize') {
      stream.onData = sizes(events)
    }
    for (const entry of waiting.filter((one) => one.name === name)) entry.send(stream)
    if (wanted.every((one) => streams.has(one))) finish?.()
  }
  const session = acceptSpdy(upgrade, ['v4.channel.k8s.io'], { ...events, onStream })
  if ('problem' in session) return session
  return {
    write: (name, data) => {
      const stream = streams.get(name)
      if (stream !== undefined) return stream.write(data)
      withStream(name, (later) => void later.write(data))
      return true
    },
    finish: (status) => {
      withStream('error', (stream) => void stream.write(Buffer.from(JSON.stringify(status))))
      finish = () => {
        finish = undefined
        for (const stream of streams.values()) stream.end()
        session.close()
      }
      if (wanted.every((one) => streams.has(one))) finish()
    },
    pauseInput: session.pause,
    resumeInput: session.resume,
  }
}

/** Sizes follow each other in one stream, a line of JSON each. */
function sizes(events: RemoteEvents): (data: Buffer) => void {
  let rest = ''
  return (data) => {
    const lines = (rest + data.toString('utf8')).split('\n')
    rest = (lines.pop() ?? '').slice(0, 1000)
    // Go's encoder ends each with a line break; one without is taken when it is whole.
    for (const line of [...lines, rest]) {
      const size = parseSize(Buffer.from(line))
      if (size !== undefined) events.onResize(size)
    }
  }
}
