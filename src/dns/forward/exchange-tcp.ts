/** One query over a TCP connection of its own (RFC 7766), for answers that do not fit into a datagram. */
import { connect } from 'node:net'
import { messageOf } from '#lib'
import type { Exchange, Outcome } from './exchange.ts'
import { readReply } from './upstream-query.ts'

export function exchangeTcp(exchange: Exchange): Promise<Outcome> {
  const { upstream, packet, id, question, signal } = exchange
  if (signal.aborted) return Promise.resolve({ kind: 'failed', why: 'cancelled' })
  return new Promise((resolve) => {
    const socket = connect({ host: upstream.address, port: upstream.port, noDelay: true })
    const chunks: Buffer[] = []
    let received = 0
    const finish = (outcome: Outcome): void => {
      signal.removeEventListener('abort', cancel)
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.destroy()
      resolve(outcome)
    }
    const cancel = (): void => finish({ kind: 'failed', why: 'cancelled' })
    signal.addEventListener('abort', cancel, { once: true })
    socket.on('error', (error) => finish({ kind: 'failed', why: messageOf(error) }))
    socket.on('end', () => finish({ kind: 'failed', why: 'closed before the reply was complete' }))
    socket.on('connect', () => {
      const framed = Buffer.allocUnsafe(2 + packet.length)
      framed.writeUInt16BE(packet.length, 0)
      packet.copy(framed, 2)
      socket.write(framed)
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      received += chunk.length
      if (received < 2) return
      const all = Buffer.concat(chunks)
      const length = all.readUInt16BE(0)
      if (received < 2 + length) return
      const bytes = all.subarray(2, 2 + length)
      const message = readReply(bytes, id, question)
      finish(
        message === undefined
          ? { kind: 'failed', why: 'the reply does not belong to the question' }
          : { kind: 'reply', packet: bytes, message },
      )
    })
  })
}
