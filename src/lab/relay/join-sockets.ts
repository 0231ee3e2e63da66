/**
 * Makes two sockets one connection: bytes with backpressure both ways, a half-close stays a half-close, and where one side
 * breaks the other is broken too. Both must have been made with `allowHalfOpen`.
 *
 * A unix socket has no reset to pass on: between the two ends of a relay a broken connection looks like an end.
 */
import type { Socket } from 'node:net'

export function joinSockets(a: Socket, b: Socket): void {
  a.pipe(b)
  b.pipe(a)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on('error', () => reset(other))
    // Closed before its own end was read and passed on: the other side must not wait for more.
    one.on('close', () => {
      if (!one.readableEnded) reset(other)
    })
  }
}

/** RST where the transport has one: the peer learns that this was no orderly end. */
function reset(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
