/**
 * One query over UDP, on a socket of its own: the kernel gives each a random port, and being connected it takes packets
 * from the upstream alone and reports a refused port at once.
 */
import { createSocket } from 'node:dgram'
import { messageOf } from '#lib'
import type { Exchange, Outcome } from './exchange.ts'
import { readReply } from './upstream-query.ts'

export function exchangeUdp(exchange: Exchange): Promise<Outcome> {
  const { upstream, packet, id, question, signal } = exchange
  if (signal.aborted) return Promise.resolve({ kind: 'failed', why: 'cancelled' })
  return new Promise((resolve) => {
    const socket = createSocket(upstream.address.includes(':') ? 'udp6' : 'udp4')
    const finish = (outcome: Outcome): void => {
      signal.removeEventListener('abort', cancel)
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.close()
      resolve(outcome)
    }
    const cancel = (): void => finish({ kind: 'failed', why: 'cancelled' })
    signal.addEventListener('abort', cancel, { once: true })
    socket.on('error', (error) => finish({ kind: 'failed', why: messageOf(error) }))
    socket.on('message', (bytes) => {
      const message = readReply(bytes, id, question)
      if (message !== undefined) finish({ kind: 'reply', packet: bytes, message })
    })
    socket.connect(upstream.port, upstream.address, () => {
      socket.send(packet, (error) => {
        if (error !== null && error !== undefined) finish({ kind: 'failed', why: messageOf(error) })
      })
    })
  })
}
