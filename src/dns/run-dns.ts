/**
 * The DNS role: watches Services, EndpointSlices and Namespaces, and answers for them. Listens at once, says SERVFAIL to
 * what it cannot know yet, is ready when everything has been listed, and serves on from the last state when the API
 * server goes away.
 */
import { randomInt } from 'node:crypto'
import type { EndpointSlice, KubeObject, Namespace, ResourceInfo, Service } from '#api'
import { ENDPOINTSLICES, NAMESPACES, SERVICES } from '#api'
import type { Clock, Logger } from '#lib'
import type { ApiClient, Informer } from '#watch'
import { createInformer, trimObject } from '#watch'
import type { DnsConfig } from './dns-config.ts'
import { DEFAULT_DNS_CONFIG, parseUpstreams } from './dns-config.ts'
import type { DnsInformers } from './feed-zone.ts'
import { feedZone } from './feed-zone.ts'
import { createForwarder } from './forward/index.ts'
import { createZone } from './records/index.ts'
import { createResolver } from './resolve.ts'
import { serveHealth } from './serve-health.ts'
import type { BoundAddress, Random, Responder } from './server/index.ts'
import { createResponder, listen } from './server/index.ts'

export type RunDnsOptions = Partial<DnsConfig> & {
  /** Informers of the whole cluster, or the client to make them with. */
  readonly source: { readonly informers: DnsInformers } | { readonly client: ApiClient }
  readonly clock: Clock
  readonly logger: Logger
  /** Aborting is closing. */
  readonly signal: AbortSignal
  /** Query IDs and the order of addresses; from the system's generator if not given. */
  readonly random?: Random
  /** Once, when every answer can be given. */
  readonly onReady?: () => void
}

export type RunningDns = {
  readonly bound: readonly BoundAddress[]
  readonly healthPort: number | undefined
  /** Takes no more questions, finishes those under way, then frees everything. */
  close(): Promise<void>
}

export async function runDns(options: RunDnsOptions): Promise<RunningDns> {
  const { source, clock, logger, signal, onReady, random = randomInt, ...given } = options
  const config: DnsConfig = { ...DEFAULT_DNS_CONFIG, ...given }
  const life = new AbortController()
  const zone = createZone({
    ...config,
    ownAddresses: config.ownAddresses.length > 0 ? config.ownAddresses : config.listen.addresses.filter(isSpecific),
    now: () => Math.floor(clock.now() / 1000),
  })
  const upstreams = parseUpstreams(config.upstreams)
  const forwarder =
    upstreams.length === 0
      ? undefined
      : createForwarder({ upstreams, limits: config.forward, clock, random, signal: life.signal })
  const resolve = createResolver(zone, forwarder)
  const { respond, idle } = counted(
    createResponder({ resolve, random, logger, maxUdpBytes: config.maxUdpBytes }),
    clock,
  )

  const listeners = await listen({ ...config.listen, respond, limits: config.tcp, clock, logger })
  const health =
    config.healthAddress === undefined
      ? undefined
      : await serveHealth(config.healthAddress, () => [...zone.unsynced]).catch(async (error: unknown) => {
          await listeners.close()
          throw error
        })
  const informers =
    'informers' in source ? source.informers : informersOf(source.client, { clock, logger, signal: life.signal })
  const stopFeeding = feedZone(zone, informers, () => {
    logger.info('dns is ready', { zone: config.zone, services: informers.services.items.size })
    onReady?.()
  })
  logger.info('dns is listening', { addresses: listeners.bound, upstreams: config.upstreams })

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= shutDown())
  const shutDown = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort)
    listeners.stop()
    await Promise.race([idle(), clock.sleep(config.drainMilliseconds, life.signal)])
    life.abort(new Error('dns is closing'))
    stopFeeding()
    await Promise.all([listeners.close(), health?.close()])
  }
  const onAbort = (): void => void close()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) await close()
  return { bound: listeners.bound, healthPort: health?.port, close }
}

function informersOf(
  client: ApiClient,
  common: { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
): DnsInformers {
  const informer = <T extends KubeObject>(resource: ResourceInfo): Informer<T> =>
    createInformer<T>({ client, resource, transform: trimObject, ...common })
  return {
    services: informer<Service>(SERVICES),
    endpointSlices: informer<EndpointSlice>(ENDPOINTSLICES),
    namespaces: informer<Namespace>(NAMESPACES),
  }
}

function isSpecific(address: string): boolean {
  return address !== '0.0.0.0' && address !== '::'
}

/** The responder, and a promise for the moment nothing is under way: a turn later, so that listeners sent the last reply. */
function counted(respond: Responder, clock: Clock): { respond: Responder; idle: () => Promise<void> } {
  let pending = 0
  let wake = (): void => undefined
  return {
    respond: (packet, from) => {
      const reply = respond(packet, from)
      if (!(reply instanceof Promise)) return reply
      pending++
      return reply.finally(() => {
        pending--
        if (pending === 0) clock.after(0, () => wake())
      })
    },
    idle: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => (wake = resolve))),
  }
}
