/** One TCP listener on one address, with a bound on connections in all and per client. */
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { Clock, Logger } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { ClientCounts } from './client-counts.ts'
import type { Responder } from './responder.ts'
import type { TcpLimits } from './tcp-connection.ts'
import { serveConnection } from './tcp-connection.ts'

export type TcpListener = {
  readonly port: number
  /** No new connections; those open go on. */
  stop(): void
  close(): Promise<void>
}

export type TcpListenerOptions = {
  readonly address: string
  readonly port: number
  readonly respond: Responder
  readonly clock: Clock
  readonly limits: TcpLimits
  /** Shared by all listeners of a server. */
  readonly connections: ClientCounts
  readonly logger: Logger
  readonly reusePort?: boolean
}

/** How long a client may take to read its last replies once the server closes. */
const FLUSH_MILLISECONDS = 500

export async function listenTcp(options: TcpListenerOptions): Promise<TcpListener> {
  const { connections, logger } = options
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const client = socket.remoteAddress
    if (client === undefined || !connections.take(client)) {
      socket.destroy()
      return
    }
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      connections.give(client)
    })
    serveConnection(socket, options)
  })
  await listen(server, options)
  server.on('error', (error) => logger.warn('tcp listener error', { error: messageOf(error) }))
  const address = server.address()
  const closed = new Promise<void>((resolve) => server.once('close', resolve))
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: () => {
      server.close()
    },
    close: async () => {
      server.close()
      for (const socket of open) socket.destroySoon()
      const cancel = options.clock.after(FLUSH_MILLISECONDS, () => {
        for (const socket of open) socket.destroy()
      })
      await closed
      cancel()
    },
  }
}

async function listen(server: Server, options: TcpListenerOptions): Promise<void> {
  const { address, port } = options
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new SignalboxError('SBX_DNS_LISTEN', `cannot listen on TCP ${address} port ${port}: ${cause.message}`, {
          facts: { address, port },
          cause,
        }),
      ),
    )
    server.listen(
      { host: address, port, ipv6Only: address.includes(':'), reusePort: options.reusePort === true },
      () => {
        server.removeAllListeners('error')
        resolve()
      },
    )
  })
}
