/**
 * The sockets, by address and port. A new set is taken over as a whole: what is new is opened first, and only when all of
 * that has worked do the responders change hands and the sockets nobody wants any more close.
 */
import type { Clock, Logger } from '#lib'
import { joinHostPort } from '#lib'
import type { DnsConfig } from './dns-config.ts'
import type { BoundAddress, Listeners, Reply, Responder } from './server/index.ts'
import { connectionCounts, listen } from './server/index.ts'

export type PortSpec = {
  readonly port: number
  readonly addresses: readonly string[]
  readonly respond: Responder
}

export type ListenerSet = {
  readonly bound: readonly BoundAddress[]
  apply(ports: readonly PortSpec[]): Promise<void>
  /** Takes no further questions. */
  stop(): void
  /** When nothing is under way, and the last reply was handed over. */
  idle(): Promise<void>
  close(): Promise<void>
}

type Slot = { readonly listeners: Listeners; respond: Responder }

export function createListenerSet(options: {
  readonly config: DnsConfig
  readonly clock: Clock
  readonly logger: Logger
}): ListenerSet {
  const { config, clock, logger } = options
  const connections = connectionCounts(config.tcp)
  const slots = new Map<string, Slot>()
  const bound: BoundAddress[] = []
  let pending = 0
  let wake = (): void => undefined

  const answered = (reply: Promise<Reply>): Promise<Reply> => {
    pending++
    return reply.finally(() => {
      pending--
      // A turn later, so that the listener has sent the reply.
      if (pending === 0) clock.after(0, () => wake())
    })
  }

  const open = async (address: string, port: number, respond: Responder): Promise<Slot> => {
    const slot: { respond: Responder; listeners?: Listeners } = { respond }
    const listeners = await listen({
      addresses: [address],
      port,
      reusePort: config.reusePort,
      limits: config.tcp,
      connections,
      clock,
      logger,
      respond: (packet, from) => {
        const reply = slot.respond(packet, from)
        return reply instanceof Promise ? answered(reply) : reply
      },
    })
    return Object.assign(slot, { listeners })
  }

  return {
    bound,
    apply: async (ports) => {
      const wanted = new Map<string, { address: string; port: number; respond: Responder }>()
      for (const { port, addresses, respond } of ports) {
        for (const address of addresses) wanted.set(joinHostPort(address, port), { address, port, respond })
      }
      const fresh = new Map<string, Slot>()
      try {
        for (const [key, { address, port, respond }] of wanted) {
          if (!slots.has(key)) fresh.set(key, await open(address, port, respond))
        }
      } catch (error) {
        await Promise.all([...fresh.values()].map(({ listeners }) => listeners.close()))
        throw error
      }
      for (const [key, { respond }] of wanted) {
        const kept = slots.get(key)
        if (kept !== undefined) kept.respond = respond
      }
      const gone = [...slots].filter(([key]) => !wanted.has(key))
      for (const [key] of gone) slots.delete(key)
      for (const [key, slot] of fresh) slots.set(key, slot)
      bound.splice(0, bound.length, ...[...slots.values()].flatMap(({ listeners }) => listeners.bound))
      await Promise.all(gone.map(([, { listeners }]) => listeners.close()))
    },
    stop: () => {
      for (const { listeners } of slots.values()) listeners.stop()
    },
    idle: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => (wake = resolve))),
    close: async () => {
      await Promise.all([...slots.values()].map(({ listeners }) => listeners.close()))
    },
  }
}
