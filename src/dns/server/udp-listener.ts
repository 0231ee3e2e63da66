/**
 * One UDP socket on one address. A wildcard socket of a host with several addresses could answer from the wrong one
 * (dgram has no IP_PKTINFO), so every address is bound by itself.
 */
import type { Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import type { Logger } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { Responder } from './responder.ts'

/** Bursts wait here while the process is busy; the kernel caps it at net.core.rmem_max. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

export type UdpListener = {
  readonly port: number
  /** Stops receiving; replies under way may still be sent until `close`. */
  stop(): void
  close(): Promise<void>
}

export type UdpListenerOptions = {
  readonly address: string
  readonly port: number
  readonly respond: Responder
  readonly logger: Logger
  /** Share the port with other processes, which the kernel spreads packets over (SO_REUSEPORT). */
  readonly reusePort?: boolean
}

export async function listenUdp(options: UdpListenerOptions): Promise<UdpListener> {
  const { respond, logger } = options
  const six = options.address.includes(':')
  const socket = createSocket({
    // Only addresses are ever given: nothing is to be looked up, least of all for each reply.
    lookup: (address, _family, done) => done(null, address, six ? 6 : 4),
    type: six ? 'udp6' : 'udp4',
    ipv6Only: six,
    recvBufferSize: RECEIVE_BUFFER,
    reusePort: options.reusePort === true,
  })
  await bind(socket, options)
  const send = (bytes: Buffer, port: number, address: string): void => {
    if (port !== 0) socket.send(bytes, port, address)
  }
  socket.on('message', (packet, { address, port }) => {
    const reply = respond(packet, { transport: 'udp', address })
    if (reply === undefined) return
    if (reply instanceof Buffer) send(reply, port, address)
    else if (reply instanceof Promise) {
      void reply.then((bytes) => {
        if (bytes instanceof Buffer && !closed) send(bytes, port, address)
      })
    }
  })
  // An unreachable client is the client's trouble; ICMP errors of earlier replies surface here too.
  socket.on('error', (error) => logger.debug('reply not sent', { error: messageOf(error) }))
  let closed = false
  return {
    port: socket.address().port,
    stop: () => {
      socket.removeAllListeners('message')
    },
    close: async () => {
      if (closed) return
      closed = true
      // Closing a socket drops what was handed to it but not yet to the kernel.
      while (socket.getSendQueueCount() > 0) await new Promise((resolve) => setImmediate(resolve))
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}

async function bind(socket: Socket, options: UdpListenerOptions): Promise<void> {
  const { address, port } = options
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close()
      reject(
        new SignalboxError('SBX_DNS_LISTEN', `cannot listen on UDP ${address} port ${port}: ${cause.message}`, {
          facts: { address, port },
          cause,
        }),
      )
    })
    socket.bind({ port, address }, () => {
      socket.removeAllListeners('error')
      resolve()
    })
  })
}
