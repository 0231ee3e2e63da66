/** The server's side of one WebSocket (RFC 6455): the handshake, control frames, and messages with backpressure. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

import { CLOSE, encodeClose, encodeFrame, FrameReader } from './websocket-frames.ts'

export interface WebSocket {
  readonly protocol: string
  /** False: `onDrain` will be called before more should be sent. */
  send(data: Uint8Array): boolean
  /** Orderly: what was sent before arrives before. */
  close(code?: number): void
  /** Stops and starts reading from the client. */
  pause(): void
  resume(): void
}

export type WebSocketEvents = {
  readonly onMessage: (data: Buffer) => void
  readonly onDrain: () => void
  /** Once, whoever closed it. */
  readonly onClose: () => void
}

export type UpgradeRequest = { readonly request: IncomingMessage; readonly socket: Socket; readonly head: Buffer }

/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const MAX_MESSAGE = 1_048_576
const MAX_UNSENT = 1_048_576

/** What is wrong with the handshake, or the protocol of ours that the client wants most. */
export function chooseProtocol(
  request: IncomingMessage,
  ours: readonly string[],
): { readonly protocol: string } | { readonly problem: string } {
  const { headers } = request
  if (!/^websocket$/i.test(headers.upgrade ?? '')) return { problem: 'upgrade to websocket is required' }
  if (headers['sec-websocket-version'] !== '13') return { problem: 'WebSocket version 13 is required' }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '')) return { problem: 'no Sec-WebSocket-Key' }
  const wanted = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const protocol = wanted.find((name) => ours.includes(name))
  if (protocol !== undefined) return { protocol }
  return { problem: `unable to upgrade: unable to negotiate protocol: client supports [${wanted.join(' ')}]` }
}

export function acceptWebSocket(upgrade: UpgradeRequest, protocol: string, events: WebSocketEvents): WebSocket {
  const { request, socket, head } = upgrade
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  )
  const reader = new FrameReader(MAX_MESSAGE)
  let closing = false
  const close = (code: number = CLOSE.normal): void => {
    if (closing) return
    closing = true
    socket.end(encodeClose(code))
  }
  const read = (chunk: Uint8Array): void => {
    const { messages, problem } = reader.push(chunk)
    for (const message of messages) {
      if (closing) return
      if (message.type === 'close') close()
      else if (message.type === 'ping') socket.write(encodeFrame('pong', message.data))
      else if (message.type !== 'pong') events.onMessage(message.data)
    }
    if (problem !== undefined) close(problem.code)
  }
  socket.setNoDelay(true)
  // Not read at once: the caller does not have its WebSocket yet.
  if (head.length > 0) socket.unshift(head)
  socket.on('data', read)
  socket.on('drain', events.onDrain)
  socket.on('end', () => close())
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    closing = true
    events.onClose()
  })
  return {
    protocol,
    send: (data) => {
      if (closing || socket.destroyed) return true
      socket.write(encodeFrame('binary', data))
      return socket.writableLength < MAX_UNSENT
    },
    close,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  }
}

export function refuseUpgrade(socket: Socket, refusal: { readonly code: number; readonly text: string }): void {
  const { code, text } = refusal
  const body = Buffer.from(`${text}\n`)
  socket.end(
    `HTTP/1.1 ${code} Refused\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body.toString()}`,
  )
}
