/**
 * The outer end of one relay: a port on the host's loopback that is an address inside the box. TCP connections and UDP flows
 * each get a connection to the inner end through /proc/HOSTPID/root, so nothing of the box's network is seen by the host.
 */
import type { RemoteInfo } from 'node:dgram'
import type { AddressInfo, Socket } from 'node:net'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

import type { Clock, Logger } from '#lib'
import { joinHostPort, SignalboxError } from '#lib'

import { RUNTIME_DIR } from '../sandbox.ts'
import type { RelayAnswer, RelayTarget } from './relay-protocol.ts'
import { joinSockets } from './join-sockets.ts'
import { createUnframer, frame, readHeader, RELAY_SOCKET, writeHeader } from './relay-protocol.ts'

export type HostRelayOptions = {
  /** Of the inner end; see `relaySocketPath`. */
  readonly socketPath: string
  readonly target: RelayTarget
  /** Loopback unless the user said otherwise. */
  readonly host?: string
  /** Taken if it is free, else any; any if not given. */
  readonly preferredPort?: number
  /** Milliseconds after which a UDP flow without datagrams ends; 60 s if not given. */
  readonly udpIdle?: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface HostRelay {
  readonly target: RelayTarget
  readonly host: string
  readonly port: number
  /** `127.0.0.1:30080` */
  readonly listen: string
  close(): Promise<void>
}

/** UDP flows of one relay; the oldest goes when there are more. */
const FLOW_LIMIT = 1024

export function relaySocketPath(hostPid: number): string {
  return join(`/proc/${hostPid}/root`, RUNTIME_DIR, RELAY_SOCKET)
}

/** @throws SBX_RELAY_LISTEN */
export async function startHostRelay(options: HostRelayOptions): Promise<HostRelay> {
  const start = options.target.protocol === 'TCP' ? startTcp : startUdp
  const { preferredPort } = options
  try {
    return await start(options, preferredPort ?? 0)
  } catch (error) {
    if (preferredPort === undefined) throw failure(options, error)
    return await start(options, 0).catch((second: unknown) => Promise.reject(failure(options, second)))
  }
}

function failure(options: HostRelayOptions, cause: unknown): SignalboxError {
  return new SignalboxError('SBX_RELAY_LISTEN', `cannot listen on ${hostOf(options)}`, { cause })
}

function hostOf(options: HostRelayOptions): string {
  return options.host ?? '127.0.0.1'
}

async function startTcp(options: HostRelayOptions, port: number): Promise<HostRelay> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    open.add(client)
    client.once('close', () => open.delete(client))
    client.pause()
    void carry(client, options)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostOf(options), resolve)
  })
  const bound = server.address() as AddressInfo
  return describe(options, bound.port, async () => {
    const closed = new Promise((done) => server.close(done))
    for (const client of open) client.destroy()
    await closed
  })
}

function describe(options: HostRelayOptions, port: number, close: () => Promise<void>): HostRelay {
  const host = hostOf(options)
  return { target: options.target, host, port, listen: joinHostPort(host, port), close }
}

async function carry(client: Socket, options: HostRelayOptions): Promise<void> {
  client.on('error', () => client.destroy())
  const inside = await dial(options)
  if (inside === undefined) {
    // What a connection to a dead port gets.
    client.resetAndDestroy()
    return
  }
  if (client.destroyed) inside.destroy()
  else joinSockets(client, inside)
}

/** A connection to the target by way of the inner end, or undefined (logged) if there is none to be had. */
async function dial({ socketPath, target, logger }: HostRelayOptions): Promise<Socket | undefined> {
  const inside = connect({ path: socketPath, allowHalfOpen: true })
  inside.on('error', (error) => {
    logger.debug('relay connection failed', { target: joinHostPort(target.host, target.port), error: error.message })
    inside.destroy()
  })
  writeHeader(inside, target)
  const answer = (await readHeader(inside)) as RelayAnswer | undefined
  if (answer?.ok === true) return inside
  const why = answer === undefined ? 'no answer' : answer.error
  logger.debug('relay target not reached', { target: joinHostPort(target.host, target.port), error: why })
  inside.destroy()
  return undefined
}

type Flow = { readonly send: (datagram: Buffer) => void; readonly close: () => void }

async function startUdp(options: HostRelayOptions, port: number): Promise<HostRelay> {
  const server = createSocket(hostOf(options).includes(':') ? 'udp6' : 'udp4')
  const flows = new Map<string, Flow>()
  server.on('message', (datagram, from) => {
    const key = joinHostPort(from.address, from.port)
    const flow = flows.get(key) ?? openFlow(from, () => flows.delete(key))
    // The newest goes last: the first of the map is the one that was silent longest.
    flows.delete(key)
    flows.set(key, flow)
    flow.send(datagram)
    if (flows.size > FLOW_LIMIT) flows.values().next().value?.close()
  })
  const openFlow = (from: RemoteInfo, onEnd: () => void): Flow =>
    startFlow(options, { reply: (datagram) => server.send(datagram, from.port, from.address, () => undefined), onEnd })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.bind(port, hostOf(options), () => {
      server.off('error', reject)
      server.on('error', (error) => options.logger.warn('relay socket failed', { error: error.message }))
      resolve()
    })
  })
  return describe(options, server.address().port, async () => {
    for (const flow of flows.values()) flow.close()
    await new Promise<void>((done) => server.close(() => done()))
  })
}

type FlowEnds = { readonly reply: (datagram: Buffer) => void; readonly onEnd: () => void }

function startFlow(options: HostRelayOptions, { reply, onEnd }: FlowEnds): Flow {
  const idle = options.udpIdle ?? 60_000
  let cancel = (): void => undefined
  let closed = false
  const inside = dial(options)
  const close = (): void => {
    if (closed) return
    closed = true
    cancel()
    onEnd()
    void inside.then((socket) => socket?.destroy())
  }
  const touch = (): void => {
    cancel()
    if (!closed) cancel = options.clock.after(idle, close)
  }
  void inside.then((socket) => {
    if (socket === undefined || closed) {
      close()
      return
    }
    socket.once('close', close)
    socket.once('end', close)
    const unframe = createUnframer((datagram) => {
      touch()
      reply(datagram)
    })
    socket.on('data', unframe)
    socket.resume()
  })
  touch()
  return {
    send: (datagram) => {
      touch()
      void inside.then((socket) => {
        if (socket !== undefined && !socket.destroyed && !socket.writableNeedDrain) socket.write(frame(datagram))
      })
    },
    close,
  }
}
