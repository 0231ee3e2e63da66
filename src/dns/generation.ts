/** One configuration at work: its chains, what feeds them, and a responder for each port. */
import type { Clock, Logger } from '#lib'
import type { BlockConfig, Chain } from './chain/index.ts'
import { createBlockRouter, createChain } from './chain/index.ts'
import type { DnsConfig } from './dns-config.ts'
import type { DnsInformers } from './feed-zone.ts'
import { feedZone } from './feed-zone.ts'
import type { PortSpec } from './listener-set.ts'
import type { DnsMetrics, MetricsGauges } from './metrics/index.ts'
import { followProgramming } from './follow-programming.ts'
import type { Observed, Random } from './server/index.ts'
import { createRateLimiter, createResponder } from './server/index.ts'
import { nameToText, rcodeName, typeName } from './wire/index.ts'

export type Generation = {
  readonly ports: readonly PortSpec[]
  /** What has not been listed yet. */
  waitingFor(): readonly string[]
  gauges(): MetricsGauges
  /** After the ports are open. */
  start(): void
  /** Follows the cluster no longer; upstream questions under way have this long. */
  end(milliseconds: number): void
}

export type GenerationOptions = {
  readonly config: DnsConfig
  /** Undefined: no block answers for the cluster. */
  readonly informers: DnsInformers | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly metrics: DnsMetrics
  readonly onLoop: () => void
  readonly onSynced: () => void
}

export function createGeneration(blocks: readonly BlockConfig[], options: GenerationOptions): Generation {
  const { config, informers, clock, metrics, random, onLoop } = options
  const life = new AbortController()
  const ownAddresses = config.ownAddresses.length > 0 ? config.ownAddresses : config.listen.addresses.filter(isSpecific)
  const chains = blocks.map((block) =>
    createChain(block, {
      clock,
      random,
      signal: life.signal,
      limits: config.forward,
      ownAddresses,
      forwardObserver: metrics.forward,
      cacheObserver: metrics.cache,
      onLoop,
    }),
  )
  const zones = chains.flatMap(({ zone }) => zone ?? [])
  const waitingFor = (): string[] => [...new Set(zones.flatMap(({ unsynced }) => [...unsynced]))]
  const synced = (): void => {
    if (waitingFor().length === 0) options.onSynced()
  }
  const stops =
    informers === undefined
      ? []
      : [
          ...zones.map((zone) => feedZone(zone, informers, synced)),
          followProgramming(informers, { clock, programmed: metrics.programmed }),
        ]
  const byPort = Map.groupBy(chains, (chain) => chain.config.port)
  const ports = [...byPort].map(([port, sharing]): PortSpec => ({
    port,
    addresses: addressesOf(sharing, config),
    respond: responderOf(port, sharing, options),
  }))

  return {
    ports,
    waitingFor,
    gauges: () => ({
      caches: chains.map((chain) => ({ server: serverLabel(chain.config.port), ...chain.cacheSizes() })),
      plugins: chains.flatMap((chain) => pluginsOf(chain)),
    }),
    start: () => {
      for (const chain of chains) chain.start()
    },
    end: (milliseconds) => {
      for (const stop of stops) stop()
      const over = (): void => life.abort(new Error('this configuration is no longer in use'))
      if (milliseconds > 0) clock.after(milliseconds, over)
      else over()
    },
  }
}

function addressesOf(sharing: readonly Chain[], config: DnsConfig): readonly string[] {
  const bound = sharing.flatMap(({ config: { bind } }) => (bind.length > 0 ? bind : config.listen.addresses))
  return [...new Set(bound)]
}

function responderOf(port: number, sharing: readonly Chain[], options: GenerationOptions) {
  const { config, clock, logger, random, metrics } = options
  const router = createBlockRouter(sharing)
  const monotonic = (): number => clock.monotonic()
  const count = metrics.observer(serverLabel(port), monotonic)
  const logs = sharing.some((chain) => chain.config.log)
  const labels = new Map<string, string>()
  return createResponder({
    resolve: router.resolve,
    version: () => router.version(),
    random,
    logger,
    maxUdpBytes: config.maxUdpBytes,
    cacheEntries: config.answerCacheEntries,
    shuffle: sharing.every((chain) => chain.config.shuffle),
    monotonic,
    zoneOf: (name) => {
      const zone = router.route(name)?.zone
      if (zone === undefined) return 'dropped'
      const label = labels.get(zone) ?? nameToText(zone)
      labels.set(zone, label)
      return label
    },
    observe: logs ? (observed) => (count(observed), logQuery(observed, options)) : count,
    ...(config.rateLimit.responsesPerSecond > 0 ? { rateLimiter: createRateLimiter(config.rateLimit, clock) } : {}),
  })
}

function logQuery(observed: Observed, options: GenerationOptions): void {
  const { packet, reply, from, rcode, type, began } = observed
  options.logger.info('query', {
    client: from.address,
    transport: from.transport,
    type: type === undefined ? '-' : typeName(type),
    name: questionText(packet),
    rcode: rcodeName(rcode),
    bytes: reply.length,
    milliseconds: options.clock.monotonic() - began,
  })
}

/** Only of packets that were understood. */
function questionText(packet: Buffer): string {
  let text = ''
  for (let at = 12; at < packet.length && packet[at] !== 0;) {
    const length = packet[at] as number
    if (length > 63) break
    text += `${packet.toString('latin1', at + 1, at + 1 + length).replace(/[^!-~]/g, '?')}.`
    at += 1 + length
  }
  return text === '' ? '.' : text
}

function serverLabel(port: number): string {
  return `dns://:${port}`
}

function pluginsOf(chain: Chain): MetricsGauges['plugins'] {
  const { config } = chain
  const names = [
    ...(config.cache === undefined ? [] : ['cache']),
    ...(config.forwards.length === 0 ? [] : ['forward']),
    ...(config.hosts === undefined ? [] : ['hosts']),
    ...(config.kubernetes === undefined ? [] : ['kubernetes']),
    ...(config.shuffle ? ['loadbalance'] : []),
    ...(config.log ? ['log'] : []),
    ...(config.loop ? ['loop'] : []),
    ...(config.rewrites.length === 0 ? [] : ['rewrite']),
    ...(config.templates.length === 0 ? [] : ['template']),
    ...(config.transferTo.length === 0 ? [] : ['transfer']),
  ]
  const server = serverLabel(config.port)
  return config.zones.flatMap((zone) => names.map((name) => ({ server, zone: nameToText(zone), name })))
}

function isSpecific(address: string): boolean {
  return address !== '0.0.0.0' && address !== '::'
}
