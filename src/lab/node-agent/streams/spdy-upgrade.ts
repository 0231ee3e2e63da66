/**
 * SPDY on an upgraded connection: bare, as kubectl before 1.30 asks for it, or tunnelled in the messages of a WebSocket
 * (KEP-4006), as those after it do.
 */
import { SpdyConnection } from './spdy-connection.ts'
import type { SpdyStream } from './spdy-connection.ts'
import type { UpgradeRequest } from './websocket-server.ts'
import { acceptWebSocket, chooseProtocol } from './websocket-server.ts'

export type SpdyEvents = {
  readonly onStream: (stream: SpdyStream) => void
  readonly onDrain: () => void
  readonly onClose: () => void
}

export type SpdySession = {
  readonly protocol: string
  readonly pause: () => void
  readonly resume: () => void
  /** Orderly: what was sent before arrives before. */
  readonly close: () => void
}

const TUNNEL = 'SPDY/3.1+'
const MAX_UNSENT = 1_048_576

/** `ours`: the protocols above SPDY, such as `portforward.k8s.io`, best first. */
export function acceptSpdy(
  upgrade: UpgradeRequest,
  ours: readonly string[],
  events: SpdyEvents,
): SpdySession | { readonly problem: string } {
  return /^spdy\/3\.1$/i.test(upgrade.request.headers.upgrade ?? '')
    ? bare(upgrade, ours, events)
    : tunnelled(upgrade, ours, events)
}

function tunnelled(
  upgrade: UpgradeRequest,
  ours: readonly string[],
  events: SpdyEvents,
): SpdySession | { readonly problem: string } {
  const chosen = chooseProtocol(
    upgrade.request,
    ours.map((name) => `${TUNNEL}${name}`),
  )
  if ('problem' in chosen) return chosen
  const socket = acceptWebSocket(upgrade, chosen.protocol, {
    onMessage: (data) => connection.push(data),
    onDrain: events.onDrain,
    onClose: () => {
      connection.close()
      events.onClose()
    },
  })
  const connection = new SpdyConnection(
    { send: (bytes) => socket.send(bytes), fail: () => socket.close(1002) },
    events.onStream,
  )
  return {
    protocol: chosen.protocol.slice(TUNNEL.length),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.close(),
  }
}

function bare(
  { request, socket, head }: UpgradeRequest,
  ours: readonly string[],
  events: SpdyEvents,
): SpdySession | { readonly problem: string } {
  // Repeated header fields and lists in one are the same.
  const wanted = String(request.headers['x-stream-protocol-version'] ?? '')
    .split(',')
    .map((name) => name.trim())
  const protocol = ours.find((name) => wanted.includes(name))
  if (protocol === undefined) {
    return { problem: `unable to upgrade: unable to negotiate protocol: client supports [${wanted.join(' ')}]` }
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  const connection = new SpdyConnection(
    {
      send: (bytes) => {
        if (!socket.destroyed && !socket.writableEnded) socket.write(bytes)
        return socket.writableLength < MAX_UNSENT
      },
      fail: () => socket.destroy(),
    },
    events.onStream,
  )
  socket.setNoDelay(true)
  if (head.length > 0) socket.unshift(head)
  socket.on('data', (chunk: Buffer) => connection.push(chunk))
  socket.on('drain', events.onDrain)
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    connection.close()
    events.onClose()
  })
  return {
    protocol,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.end(),
  }
}
