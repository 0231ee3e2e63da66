/**
 * The streams of one `kubectl exec` or `attach` over one WebSocket (`v4.channel.k8s.io`, `v5.channel.k8s.io`; apimachinery
 * util/remotecommand): each message begins with the number of its stream. Version 5 adds a message that closes one.
 */
import type { TerminalSize } from '#kernel'

import type { UpgradeRequest, WebSocket } from './websocket-server.ts'
import { acceptWebSocket, chooseProtocol } from './websocket-server.ts'

export type OutputStream = 'stdout' | 'stderr'

export interface RemoteStreams {
  /** False: wait for `onDrain`. */
  write(stream: OutputStream, data: Uint8Array): boolean
  /** The last word: how it ended. Closes the connection. */
  finish(status: RemoteStatus): void
  pauseInput(): void
  resumeInput(): void
}

export type RemoteEvents = {
  readonly onInput: (data: Buffer) => void
  readonly onInputEnd: () => void
  readonly onResize: (size: TerminalSize) => void
  readonly onDrain: () => void
  readonly onClose: () => void
}

export type StreamOptions = {
  readonly input: boolean
  readonly output: boolean
  readonly error: boolean
  readonly tty: boolean
}

/** Accepts the connection; undefined: it was refused. */
export type OpenStreams = (events: RemoteEvents) => RemoteStreams | undefined

/** A metav1.Status. */
export type RemoteStatus = {
  readonly metadata: object
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: string
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] }
  readonly code?: number
}

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

export function exitStatus(exitCode: number): RemoteStatus {
  if (exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

export function failureStatus(message: string): RemoteStatus {
  const text = `Internal error occurred: ${message}`
  return { metadata: {}, status: 'Failure', message: text, reason: 'InternalError', code: 500 }
}

export function openRemoteStreams(
  upgrade: UpgradeRequest,
  events: RemoteEvents,
): RemoteStreams | { readonly problem: string } {
  const chosen = chooseProtocol(upgrade.request, PROTOCOLS)
  if ('problem' in chosen) return chosen
  const onMessage = (data: Buffer): void => {
    const body = data.subarray(1)
    if (data[0] === CHANNEL.stdin) {
      if (body.length > 0) events.onInput(body)
    } else if (data[0] === CHANNEL.resize) {
      const size = parseSize(body)
      if (size !== undefined) events.onResize(size)
    } else if (data[0] === CHANNEL.close && body[0] === CHANNEL.stdin && chosen.protocol === PROTOCOLS[0]) {
      events.onInputEnd()
    }
  }
  const socket: WebSocket = acceptWebSocket(upgrade, chosen.protocol, { ...events, onMessage })
  // Tells the client at once that the streams are open, as upstream's server does.
  socket.send(Uint8Array.of(CHANNEL.stdout))
  return {
    write: (stream, data) => socket.send(onChannel(CHANNEL[stream], data)),
    finish: (status) => {
      socket.send(onChannel(CHANNEL.error, Buffer.from(JSON.stringify(status))))
      socket.close()
    },
    pauseInput: () => socket.pause(),
    resumeInput: () => socket.resume(),
  }
}

function onChannel(channel: number, data: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(channel), data])
}

/** `{"Width":80,"Height":24}`: the fields of Go's TerminalSize. */
export function parseSize(data: Uint8Array): TerminalSize | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>
    const isSide = (side: unknown): side is number =>
      Number.isInteger(side) && (side as number) > 0 && (side as number) < 65_536
    return isSide(columns) && isSide(rows) ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}
