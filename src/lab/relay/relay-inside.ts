/**
 * The inner end of all relays: listens on a unix socket that only the owner of the sandbox can reach, and dials the address
 * asked for from the underlay, where a machine outside the cluster would be. It dials nothing that the box does not allow.
 */
import { createSocket } from 'node:dgram'
import { chmod, rm } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { connect, createServer, isIPv6 } from 'node:net'
import { join } from 'node:path'

import type { Clock, Logger } from '#lib'
import { SignalboxError } from '#lib'

import type { RelayTarget } from './relay-protocol.ts'
import { joinSockets } from './join-sockets.ts'
import { createUnframer, frame, isRelayTarget, readHeader, RELAY_SOCKET, writeHeader } from './relay-protocol.ts'

export type RelayInsideOptions = {
  readonly runtimeDir: string
  readonly allows: (target: RelayTarget) => boolean
  /** Milliseconds; 10 s if not given. */
  readonly connectTimeout?: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface RelayInside {
  close(): Promise<void>
}

/** @throws SBX_RELAY_LISTEN */
export async function startRelayInside(options: RelayInsideOptions): Promise<RelayInside> {
  const path = join(options.runtimeDir, RELAY_SOCKET)
  await rm(path, { force: true })
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    void serve(socket, options)
  })
  await listen(server, path)
  await chmod(path, 0o600)
  return {
    close: async () => {
      const closed = new Promise((done) => server.close(done))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new SignalboxError('SBX_RELAY_LISTEN', `cannot listen on ${path}`, { cause })),
    )
    server.listen(path, resolve)
  })
}

async function serve(socket: Socket, options: RelayInsideOptions): Promise<void> {
  const wanted = await readHeader(socket)
  if (!isRelayTarget(wanted) || !options.allows(wanted)) {
    options.logger.warn('relay refused', isRelayTarget(wanted) ? { ...wanted } : {})
    writeHeader(socket, { ok: false, error: 'not allowed' })
    socket.end()
  } else if (wanted.protocol === 'TCP') {
    dialTcp(socket, wanted, options)
  } else {
    dialUdp(socket, wanted)
  }
}

function dialTcp(
  socket: Socket,
  { host, port }: RelayTarget,
  { clock, connectTimeout = 10_000 }: RelayInsideOptions,
): void {
  const target = connect({ host, port, allowHalfOpen: true })
  const fail = (error: string): void => {
    cancel()
    target.destroy()
    writeHeader(socket, { ok: false, error })
    socket.end()
  }
  const onError = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message)
  const cancel = clock.after(connectTimeout, () => fail('ETIMEDOUT'))
  const onGone = (): void => void target.destroy()
  target.once('error', onError)
  socket.once('close', onGone)
  target.once('connect', () => {
    cancel()
    target.off('error', onError)
    socket.off('close', onGone)
    writeHeader(socket, { ok: true })
    joinSockets(socket, target)
  })
}

/** Lives as long as the connection; the outer end knows when a flow is idle. */
function dialUdp(socket: Socket, { host, port }: RelayTarget): void {
  const target = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  let closed = false
  const close = (): void => {
    if (closed) return
    closed = true
    target.close()
    socket.destroy()
  }
  socket.once('close', close)
  socket.once('end', close)
  // An ICMP error (nobody listens there yet) ends the flow; the next datagram begins a new one.
  target.on('error', close)
  target.on('message', (datagram) => {
    // Datagrams may be lost, memory may not.
    if (socket.writableNeedDrain) return
    socket.write(frame(datagram))
  })
  target.connect(port, host, () => {
    writeHeader(socket, { ok: true })
    socket.on(
      'data',
      createUnframer((datagram) => target.send(datagram, () => undefined)),
    )
    socket.resume()
  })
}
