/** UDP and TCP on every given address, on the same port. */
import type { Clock, Logger } from '#lib'
import { SignalboxError } from '#lib'
import type { ClientCounts } from './client-counts.ts'
import { createClientCounts } from './client-counts.ts'
import type { Responder } from './responder.ts'
import type { TcpLimits } from './tcp-connection.ts'
import type { TcpListener } from './tcp-listener.ts'
import { listenTcp } from './tcp-listener.ts'
import type { UdpListener } from './udp-listener.ts'
import { listenUdp } from './udp-listener.ts'

export type ListenOptions = {
  readonly addresses: readonly string[]
  /** 0: a free port, chosen for each address. */
  readonly port: number
  readonly respond: Responder
  readonly limits: TcpLimits
  readonly clock: Clock
  readonly logger: Logger
  readonly reusePort?: boolean
  /** Connections in all and per client; shared by who is given the same one. */
  readonly connections?: ClientCounts
}

export type BoundAddress = { readonly address: string; readonly port: number }

export type Listeners = {
  readonly bound: readonly BoundAddress[]
  /** Takes no further questions over UDP and no further connections. */
  stop(): void
  close(): Promise<void>
}

/** A port that is free for UDP may be taken for TCP. */
const PORT_TRIES = 10

export async function listen(options: ListenOptions): Promise<Listeners> {
  const { limits } = options
  const connections = options.connections ?? connectionCounts(limits)
  const udp: UdpListener[] = []
  const tcp: TcpListener[] = []
  const bound: BoundAddress[] = []

  const closeAll = async (): Promise<void> => {
    await Promise.all([...udp, ...tcp].map((listener) => listener.close()))
  }
  const both = async (address: string, tries: number): Promise<void> => {
    const datagrams = await listenUdp({ ...options, address })
    try {
      tcp.push(await listenTcp({ ...options, address, port: datagrams.port, connections }))
      udp.push(datagrams)
      bound.push({ address, port: datagrams.port })
    } catch (error) {
      await datagrams.close()
      const taken = options.port === 0 && error instanceof SignalboxError && codeOf(error.cause) === 'EADDRINUSE'
      if (!taken || tries <= 1) throw error
      await both(address, tries - 1)
    }
  }

  try {
    for (const address of options.addresses) await both(address, PORT_TRIES)
  } catch (error) {
    await closeAll()
    throw error
  }
  return {
    bound,
    stop: () => {
      for (const listener of [...udp, ...tcp]) listener.stop()
    },
    close: closeAll,
  }
}

export function connectionCounts(limits: TcpLimits): ClientCounts {
  return createClientCounts({ total: limits.maxConnections, perClient: limits.maxConnectionsPerClient })
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
}
