/** `signalbox dns`: cluster DNS against any API server. */
import { existsSync } from 'node:fs'

import type { ForwardPolicy, PodsMode, RunDnsOptions, RunningDns } from '#dns'
import { DEFAULT_CACHE_CONFIG, POLICIES, runDns } from '#dns'
import type { Logger } from '#lib'
import { messageOf, SignalboxError, systemClock } from '#lib'

import { connectRole } from '../connect-role.ts'
import { createLogger } from '../create-logger.ts'
import { stopSignal, untilStopped } from '../stop-signal.ts'
import type { LoadedCorefile } from './load-corefile.ts'
import { loadCorefile, STANDARD_COREFILE } from './load-corefile.ts'
import { ownAddresses } from './own-addresses.ts'

export type DnsRoleOptions = {
  readonly kubeconfig?: string
  readonly corefile?: string
  readonly zone: string
  readonly reverseCidrs: readonly string[]
  /** Empty: every address of this host that others can use. */
  readonly listen: readonly string[]
  readonly port: number
  readonly upstream: readonly string[]
  readonly pods?: string
  readonly policy?: string
  /** `DOMAIN=ADDRESS,ADDRESS` */
  readonly stubDomains?: readonly string[]
  /** 0: upstreams' replies are not remembered. */
  readonly cacheSeconds?: number
  readonly rateLimit?: number
  readonly reusePort?: boolean
  readonly healthAddress?: string
  readonly metricsAddress?: string
}

export async function runDnsRole(options: DnsRoleOptions): Promise<void> {
  const logger = createLogger('dns')
  const path = options.corefile ?? process.env['CONF'] ?? standardCorefile(options)
  const corefile = path === undefined ? undefined : loadCorefile(path)
  const settings = corefile === undefined ? fromFlags(options) : fromCorefile(corefile)
  const signal = stopSignal()
  const client = connectRole({ ...options, component: 'signalbox-dns', clock: systemClock, signal })
  const addresses = options.listen.length === 0 ? ownAddresses() : options.listen
  const looped = Promise.withResolvers<never>()
  const needsApi = settings.blocks?.every(({ kubernetes }) => kubernetes === undefined) !== true
  const running = await runDns({
    ...settings,
    source: needsApi ? { client } : 'none',
    listen: { addresses, port: options.port },
    ownAddresses: addresses,
    clock: systemClock,
    logger,
    signal,
    onLoop: () =>
      looped.reject(
        new SignalboxError('SBX_DNS_LOOP', 'an upstream sends its questions back here', {
          facts: { corefile: path ?? '' },
        }),
      ),
  })
  if (path !== undefined && corefile !== undefined) followCorefile(path, corefile, { running, logger, signal })
  try {
    await Promise.race([untilStopped(signal), looped.promise])
  } finally {
    await running.close()
  }
}

/** Not when flags say that something else is wanted. */
function standardCorefile(options: DnsRoleOptions): string | undefined {
  const flagged = options.upstream.length > 0 || options.reverseCidrs.length > 0 || options.healthAddress !== undefined
  return !flagged && existsSync(STANDARD_COREFILE) ? STANDARD_COREFILE : undefined
}

type Settings = Omit<RunDnsOptions, 'source' | 'clock' | 'logger' | 'signal' | 'listen' | 'ownAddresses'>

function fromCorefile({ config }: LoadedCorefile): Settings {
  const { blocks, healthAddress, readyAddress, metricsAddress, lameduckMilliseconds, maxUdpBytes } = config
  return {
    blocks,
    lameduckMilliseconds,
    pages: {
      ...(healthAddress === undefined ? {} : { health: healthAddress }),
      ...(readyAddress === undefined ? {} : { ready: readyAddress }),
    },
    ...(metricsAddress === undefined ? {} : { metricsAddress }),
    ...(maxUdpBytes === undefined ? {} : { maxUdpBytes }),
  }
}

function fromFlags(options: DnsRoleOptions): Settings {
  const { zone, upstream, reverseCidrs, cacheSeconds = 30, rateLimit = 0, reusePort = false } = options
  const pods = chosen('--pods', options.pods ?? 'insecure', ['disabled', 'insecure', 'verified'])
  const policy = chosen('--policy', options.policy ?? 'sequential', POLICIES)
  const { success, denial } = DEFAULT_CACHE_CONFIG
  const cache = {
    ...DEFAULT_CACHE_CONFIG,
    success: { ...success, maxTtl: cacheSeconds },
    denial: { ...denial, maxTtl: cacheSeconds },
  }
  return {
    zone,
    upstreams: upstream,
    reverseCidrs,
    pods: pods as PodsMode,
    policy: policy as ForwardPolicy,
    stubDomains: Object.fromEntries((options.stubDomains ?? []).map(stubDomain)),
    reusePort,
    rateLimit: { responsesPerSecond: rateLimit, slip: 2 },
    ...(cacheSeconds > 0 ? { cache } : {}),
    ...(options.healthAddress === undefined ? {} : { healthAddress: options.healthAddress }),
    ...(options.metricsAddress === undefined ? {} : { metricsAddress: options.metricsAddress }),
  }
}

function chosen(flag: string, value: string, from: readonly string[]): string {
  if (from.includes(value)) return value
  throw new SignalboxError('SBX_CLI_USAGE', `${flag} takes one of ${from.join(', ')}, not ${value}`)
}

function stubDomain(text: string): [string, string[]] {
  const [domain = '', addresses = ''] = text.split('=', 2)
  if (domain !== '' && addresses !== '') return [domain, addresses.split(',')]
  throw new SignalboxError('SBX_CLI_USAGE', `--stub-domain takes DOMAIN=ADDRESS,ADDRESS, not ${text}`)
}

type Following = { readonly running: RunningDns; readonly logger: Logger; readonly signal: AbortSignal }

/** Reads the file again now and then; one that cannot be used leaves what is running as it is. */
function followCorefile(path: string, first: LoadedCorefile, { running, logger, signal }: Following): void {
  let { hash } = first
  const later = (current: LoadedCorefile): void => {
    const { reload } = current.config
    if (reload === undefined || signal.aborted) return
    const { intervalMilliseconds, jitterMilliseconds } = reload
    const wait = intervalMilliseconds + (Math.random() * 2 - 1) * jitterMilliseconds
    const cancel = systemClock.after(wait, () => {
      signal.removeEventListener('abort', cancel)
      void again(current).then(later)
    })
    signal.addEventListener('abort', cancel, { once: true })
  }
  const again = async (current: LoadedCorefile): Promise<LoadedCorefile> => {
    try {
      const next = loadCorefile(path)
      if (next.hash === hash) return current
      hash = next.hash
      await running.reload(next.config.blocks)
      return next
    } catch (error) {
      logger.error('the new Corefile is not used', { error: messageOf(error) })
      return current
    }
  }
  later(first)
}
