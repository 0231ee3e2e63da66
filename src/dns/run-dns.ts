/**
 * The DNS role: watches Services, EndpointSlices and Namespaces, and answers for them. Listens at once, says SERVFAIL to
 * what it cannot know yet, is ready when everything has been listed, and serves on from the last state when the API
 * server goes away. A new configuration is taken over without losing a packet: listeners that stay keep their sockets.
 */
import { randomInt } from 'node:crypto'
import type { Clock, Logger } from '#lib'
import { SignalboxError } from '#lib'
import type { ApiClient } from '#watch'
import type { BlockConfig, KubernetesConfig } from './chain/index.ts'
import type { DnsConfig } from './dns-config.ts'
import { blockOfConfig, DEFAULT_DNS_CONFIG } from './dns-config.ts'
import { dnsInformers } from './dns-informers.ts'
import type { DnsInformers } from './feed-zone.ts'
import type { Generation } from './generation.ts'
import { createGeneration } from './generation.ts'
import { createListenerSet } from './listener-set.ts'
import { createDnsMetrics, EXPOSITION_TYPE } from './metrics/index.ts'
import type { HttpServer, Page } from './serve-http.ts'
import { plain, serveHttp } from './serve-http.ts'
import type { BoundAddress, Random } from './server/index.ts'

export type RunDnsOptions = Partial<DnsConfig> & {
  /** Informers of the whole cluster, or the client to make them with; none for a server that only forwards. */
  readonly source: { readonly informers: DnsInformers } | { readonly client: ApiClient } | 'none'
  readonly clock: Clock
  readonly logger: Logger
  /** Aborting is closing. */
  readonly signal: AbortSignal
  /** Query IDs and the order of addresses; from the system's generator if not given. */
  readonly random?: Random
  /** What a Corefile says, instead of the settings of one block. */
  readonly blocks?: readonly BlockConfig[]
  /** Separate places for `/health` and `/ready`, beside `healthAddress` which has both. */
  readonly pages?: { readonly health?: string; readonly ready?: string }
  /** Once, when every answer can be given. */
  readonly onReady?: () => void
  /** An upstream leads back to this server. */
  readonly onLoop?: () => void
}

export type RunningDns = {
  readonly bound: readonly BoundAddress[]
  readonly healthPort: number | undefined
  readonly metricsPort: number | undefined
  /** Takes over another configuration; if that fails, the old one stays. */
  reload(blocks: readonly BlockConfig[]): Promise<void>
  /** Takes no more questions, finishes those under way, then frees everything. */
  close(): Promise<void>
}

export async function runDns(options: RunDnsOptions): Promise<RunningDns> {
  const { source, clock, logger, signal, onReady, random = randomInt, blocks: given, pages, onLoop, ...rest } = options
  const config: DnsConfig = { ...DEFAULT_DNS_CONFIG, ...rest }
  const blocks = given ?? [blockOfConfig(config)]
  const life = new AbortController()
  const metrics = createDnsMetrics()
  const listeners = createListenerSet({ config, clock, logger })
  const needs = {
    pods: blocks.some(({ kubernetes }) => kubernetes?.pods === 'verified'),
    podNames: blocks.some(({ kubernetes }) => kubernetes?.endpointPodNames === true),
  }
  const informers =
    source === 'none'
      ? undefined
      : 'informers' in source
        ? source.informers
        : dnsInformers(source.client, { clock, logger, signal: life.signal }, needs)
  let announced = false
  const announce = (): void => {
    if (announced) return
    announced = true
    logger.info('dns is ready', { services: informers?.services.items.size ?? 0 })
    onReady?.()
  }
  const begin = (next: readonly BlockConfig[]): Generation =>
    createGeneration(next, {
      config,
      informers,
      clock,
      logger,
      random,
      metrics,
      onLoop: () => {
        logger.error('an upstream leads back to this server', {})
        onLoop?.()
      },
      onSynced: announce,
    })

  let current = begin(blocks)
  /** Out of use, with questions under way. */
  const earlier = new Set<Generation>()
  const opened: HttpServer[] = []
  const openPages = async (): Promise<{ health: HttpServer | undefined; metrics: HttpServer | undefined }> => {
    const ready = (): Page => {
      const missing = current.waitingFor()
      return missing.length === 0 ? plain(200, 'OK') : plain(503, `${missing.join('\n')}\n`)
    }
    const health = (): Page => plain(200, 'OK')
    const open = async (address: string | undefined, routes: Readonly<Record<string, () => Page>>) => {
      if (address === undefined) return undefined
      const server = await serveHttp(address, routes)
      opened.push(server)
      return server
    }
    const both = await open(config.healthAddress, { '/ready': ready, '/health': health })
    await open(pages?.health, { '/health': health })
    await open(pages?.ready, { '/ready': ready })
    const shown = await open(config.metricsAddress, {
      '/metrics': () => ({ status: 200, type: EXPOSITION_TYPE, body: metrics.text(current.gauges()) }),
    })
    return { health: both, metrics: shown }
  }
  const abandon = async (): Promise<void> => {
    life.abort(new Error('dns did not start'))
    current.end(0)
    await Promise.all([listeners.close(), ...opened.map((server) => server.close())])
  }

  const servers = await (async () => {
    await listeners.apply(current.ports)
    return openPages()
  })().catch(async (error: unknown) => {
    await abandon()
    throw error
  })
  current.start()
  if (current.waitingFor().length === 0) announce()
  logger.info('dns is listening', { addresses: listeners.bound, blocks: blocks.length })

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= shutDown())
  const shutDown = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort)
    if (config.lameduckMilliseconds > 0) await clock.sleep(config.lameduckMilliseconds)
    listeners.stop()
    await Promise.race([listeners.idle(), clock.sleep(config.drainMilliseconds, life.signal)])
    life.abort(new Error('dns is closing'))
    for (const generation of [...earlier, current]) generation.end(0)
    await Promise.all([listeners.close(), ...opened.map((server) => server.close())])
  }
  const onAbort = (): void => void close()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) await close()
  return {
    bound: listeners.bound,
    healthPort: servers.health?.port,
    metricsPort: servers.metrics?.port,
    close,
    reload: async (next) => {
      if (closing !== undefined) return
      const missing = next.some(({ kubernetes }) => kubernetes !== undefined && !isFed(kubernetes, informers))
      if (missing) {
        metrics.reloadFailed()
        throw new SignalboxError('SBX_DNS_CONFIG', 'the new configuration needs objects that are not watched: restart')
      }
      const fresh = begin(next)
      try {
        await listeners.apply(fresh.ports)
      } catch (error) {
        metrics.reloadFailed()
        fresh.end(0)
        throw error
      }
      const before = current
      current = fresh
      fresh.start()
      logger.info('dns took over a new configuration', { blocks: next.length })
      earlier.add(before)
      before.end(config.drainMilliseconds)
      clock.after(config.drainMilliseconds, () => earlier.delete(before))
    },
  }
}

/** Whether what a zone rests on is being watched. Pods' names are not kept unless they were asked for at the start. */
function isFed(kubernetes: KubernetesConfig, informers: DnsInformers | undefined): boolean {
  return informers !== undefined && (kubernetes.pods !== 'verified' || informers.pods !== undefined)
}
