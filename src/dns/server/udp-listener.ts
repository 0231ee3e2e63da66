/**
 * One UDP socket on one address. A wildcard socket of a host with several addresses could answer from the wrong one
 * (dgram has no IP_PKTINFO), so every address is bound by itself.
 */
import type { Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import type { Logger } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { Responder } from './respond.ts'

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
}

export async function listenUdp(options: UdpListenerOptions): Promise<UdpListener> {
  const { respond, logger } = options
  const six = options.address.includes(':')
  const socket = createSocket({ type: six ? 'udp6' : 'udp4', ipv6Only: six, recvBufferSize: RECEIVE_BUFFER })
  await bind(socket, options)
  // An unreachable client is the client's trouble; ICMP errors of earlier replies surface here too.
  const onSent = (error: Error | null): void => {
    unsent--
    if (unsent === 0) allSent()
    if (error !== null && error !== undefined) logger.debug('reply not sent', { error: messageOf(error) })
  }
  const send = (bytes: Buffer, port: number, address: string): void => {
    unsent++
    socket.send(bytes, port, address, onSent)
  }
  socket.on('message', (packet, { address, port }) => {
    const reply = respond(packet, { transport: 'udp', address })
    if (reply === undefined || port === 0) return
    if (!(reply instanceof Promise)) send(reply, port, address)
    else {
      void reply.then((bytes) => {
        if (bytes !== undefined && !closed) send(bytes, port, address)
      })
    }
  })
  socket.on('error', (error) => logger.warn('udp socket error', { error: messageOf(error) }))
  let closed = false
  let unsent = 0
  let allSent = (): void => undefined
  return {
    port: socket.address().port,
    stop: () => {
      socket.removeAllListeners('message')
    },
    close: async () => {
      if (closed) return
      closed = true
      // Closing a socket drops what was handed to it but not yet to the kernel.
      if (unsent > 0) await new Promise<void>((resolve) => (allSent = resolve))
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
