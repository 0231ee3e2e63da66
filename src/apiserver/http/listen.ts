/** The TLS listener, with limits on what a peer may hold or send, and an orderly end (api-server.md 17, 19). */
import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { messageOf, SignalboxError } from '#lib'
import { offersStream } from './serve-pod-stream.ts'
import { serveRequest } from './serve-request.ts'
import type { ServerContext } from './server-context.ts'

export type ListenOptions = {
  readonly host: string
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly clientAuthority: string
}

export type Listener = {
  readonly port: number
  /** Ends watches, lets running requests finish, then closes what is left. */
  readonly close: () => Promise<void>
}

/** Go clients keep idle connections for 90 s; a server that closes earlier races with their next POST. */
const KEEP_ALIVE_MILLISECONDS = 120_000
const GRACE_MILLISECONDS = 2_000

export async function listen(context: ServerContext, options: ListenOptions): Promise<Listener> {
  const server = createServer({
    key: options.key,
    cert: options.certificate,
    ca: options.clientAuthority,
    requestCert: true,
    // Whoever has no certificate may still have a token; a bad certificate is answered with 401, not a broken handshake.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    headersTimeout: 20_000,
    requestTimeout: 60_000,
    maxHeaderSize: 32 * 1024,
    handshakeTimeout: 10_000,
    // Whoever offers another protocol where there is none to be had is answered in this one (RFC 9110 7.8).
    shouldUpgradeCallback: offersStream,
  })
  server.timeout = 0
  server.maxHeadersCount = 100
  server.on('request', (request, response) => {
    response.on('error', () => response.destroy())
    void serveRequest(context, { request, response })
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    else socket.destroy()
  })
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const socket = stream as Socket
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    // Refusals go out as any answer does; then the connection has no further use.
    response.on('finish', () => socket.end())
    socket.on('error', () => socket.destroy())
    void serveRequest(context, { request, response, upgrade: { socket, head } })
  })
  await started(server, options)
  server.on('error', (error) => context.logger.error('listener failed', { reason: messageOf(error) }))
  return { port: (server.address() as AddressInfo).port, close: () => stop(server, context) }
}

function started(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const text = `cannot listen on ${host}:${port}: ${messageOf(error)}`
      reject(new SignalboxError('SBX_APISERVER_LISTEN', text, { cause: error, facts: { host, port } }))
    })
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

async function stop(server: Server, { openWatches, clock }: ServerContext): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const end of openWatches) end()
  server.closeIdleConnections()
  const cancel = clock.after(GRACE_MILLISECONDS, () => server.closeAllConnections())
  await closed
  cancel()
  // What the last connections carried learns of their end one turn later.
  await new Promise((resolve) => setImmediate(resolve))
}
