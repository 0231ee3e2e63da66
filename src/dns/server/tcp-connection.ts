/**
 * One TCP client (RFC 7766): queries are read as they come, answered as they are ready, in any order, so that a name
 * waiting for an upstream holds up nobody behind it.
 *
 * Bounds: a first query must be complete within `firstQueryMilliseconds`, each later one within `idleMilliseconds` of
 * the last reply; bytes alone do not buy time. At most `maxInFlight` queries are under way, and replies the client
 * does not read stop the reading of its queries, then end the connection.
 */
import type { Socket } from 'node:net'
import type { Clock } from '#lib'
import type { Reply, Responder } from './responder.ts'

export type TcpLimits = {
  readonly firstQueryMilliseconds: number
  readonly idleMilliseconds: number
  readonly writeMilliseconds: number
  readonly maxInFlight: number
  readonly maxConnections: number
  readonly maxConnectionsPerClient: number
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  firstQueryMilliseconds: 3000,
  idleMilliseconds: 10_000,
  writeMilliseconds: 5000,
  maxInFlight: 100,
  maxConnections: 2000,
  maxConnectionsPerClient: 200,
}

/** Unsent replies beyond this many bytes stop reading. */
const WRITE_HIGH_WATER = 256 * 1024
const NOTHING = Buffer.alloc(0)

export function serveConnection(
  socket: Socket,
  options: { readonly respond: Responder; readonly clock: Clock; readonly limits: TcpLimits },
): void {
  const { respond, clock, limits } = options
  const from = { transport: 'tcp', address: socket.remoteAddress ?? '' } as const
  let buffered = NOTHING
  let inFlight = 0
  let ended = false
  let cancelIdle = clock.after(limits.firstQueryMilliseconds, () => socket.destroy())
  let cancelStall: (() => void) | undefined

  const rearm = (): void => {
    cancelIdle()
    if (inFlight === 0) cancelIdle = clock.after(limits.idleMilliseconds, () => socket.destroy())
  }

  const sendAll = (reply: Reply): void => {
    if (reply === undefined) return
    if (Buffer.isBuffer(reply)) send(reply)
    else for (const packet of reply) send(packet)
  }

  const send = (reply: Buffer): void => {
    const framed = Buffer.allocUnsafe(2 + reply.length)
    framed.writeUInt16BE(reply.length, 0)
    reply.copy(framed, 2)
    if (!socket.write(framed)) cancelStall ??= clock.after(limits.writeMilliseconds, () => socket.destroy())
  }

  const answered = (reply: Reply): void => {
    inFlight--
    if (socket.destroyed) return
    sendAll(reply)
    rearm()
    drainBuffer()
  }

  const drainBuffer = (): void => {
    socket.cork()
    while (inFlight < limits.maxInFlight && socket.writableLength < WRITE_HIGH_WATER && !socket.destroyed) {
      if (buffered.length < 2) break
      const length = buffered.readUInt16BE(0)
      if (buffered.length < 2 + length) break
      const packet = buffered.subarray(2, 2 + length)
      buffered = buffered.subarray(2 + length)
      cancelIdle()
      const reply = respond(packet, from)
      if (reply instanceof Promise) {
        inFlight++
        void reply.then(answered)
      } else sendAll(reply)
      rearm()
    }
    socket.uncork()
    const full = inFlight >= limits.maxInFlight || socket.writableLength >= WRITE_HIGH_WATER
    if (full) socket.pause()
    else socket.resume()
    if (ended && inFlight === 0 && !full) socket.end()
  }

  socket.setNoDelay(true)
  socket.on('data', (chunk) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    drainBuffer()
  })
  socket.on('drain', () => {
    cancelStall?.()
    cancelStall = undefined
    drainBuffer()
  })
  socket.on('end', () => {
    ended = true
    drainBuffer()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    cancelIdle()
    cancelStall?.()
  })
}
