/** Keeps the host's relays equal to what is wanted, as node ports come and go. */
import type { Clock, Logger } from '#lib'
import { compareText, createWorkQueue, messageOf } from '#lib'

import type { WantedRelay } from './node-port-relays.ts'
import type { HostRelay } from './start-host-relay.ts'
import { startHostRelay } from './start-host-relay.ts'

export type RelayStatus = {
  readonly name: string
  readonly protocol: 'TCP' | 'UDP'
  /** Where the host listens: `127.0.0.1:30080`. */
  readonly listen: string
  /** What it reaches inside: host and port. */
  readonly host: string
  readonly port: number
}

export interface HostRelays {
  /** Replaces what is wanted; relays that stay are not touched. */
  want(wanted: readonly WantedRelay[]): void
  /** Resolves when the last `want` has been carried out as far as it can be. */
  settled(): Promise<void>
  /** Sorted by name. */
  list(): readonly RelayStatus[]
  close(): Promise<void>
}

export type HostRelaysOptions = {
  readonly socketPath: string
  readonly host?: string
  readonly onChange?: (relays: readonly RelayStatus[]) => void
  readonly clock: Clock
  readonly logger: Logger
}

export function runHostRelays(options: HostRelaysOptions): HostRelays {
  const running = new Map<string, HostRelay>()
  const life = new AbortController()
  let wanted: ReadonlyMap<string, WantedRelay> = new Map()

  const list = (): readonly RelayStatus[] =>
    [...running]
      .sort(([a], [b]) => compareText(a, b))
      .map(([name, { target, listen }]) => ({
        name,
        protocol: target.protocol,
        listen,
        host: target.host,
        port: target.port,
      }))

  const reconcile = async (name: string): Promise<void> => {
    const relay = running.get(name)
    const next = wanted.get(name)
    if (relay !== undefined && next !== undefined && isSame(relay, next)) return
    if (relay === undefined && next === undefined) return
    running.delete(name)
    await relay?.close()
    if (next !== undefined) running.set(name, await startHostRelay({ ...options, ...next }))
    options.onChange?.(list())
  }

  const queue = createWorkQueue({
    clock: options.clock,
    signal: life.signal,
    work: reconcile,
    onError: (name, error) => options.logger.warn('relay not started', { relay: name, error: messageOf(error) }),
  })

  return {
    want: (relays) => {
      wanted = new Map(relays.map((relay) => [relay.name, relay]))
      for (const name of new Set([...running.keys(), ...wanted.keys()])) queue.add(name)
    },
    settled: () => queue.idle(),
    list,
    close: async () => {
      life.abort(new Error('relays are closing'))
      await queue.idle()
      await Promise.all([...running.values()].map((relay) => relay.close()))
      running.clear()
    },
  }
}

function isSame({ target }: HostRelay, next: WantedRelay): boolean {
  const { protocol, host, port } = next.target
  return target.protocol === protocol && target.host === host && target.port === port
}
