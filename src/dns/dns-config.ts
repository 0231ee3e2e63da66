/** What can be chosen about the cluster DNS server, and what it is when nobody chooses. */
import { SignalboxError } from '#lib'
import type { BlockConfig, ForwardConfig } from './chain/index.ts'
import type { CacheConfig, ForwardLimits, ForwardPolicy, Upstream } from './forward/index.ts'
import { DEFAULT_FORWARD_LIMITS, parseUpstream } from './forward/index.ts'
import type { RecordOptions } from './records/index.ts'
import type { RateLimit, TcpLimits } from './server/index.ts'
import { DEFAULT_TCP_LIMITS, NO_RATE_LIMIT } from './server/index.ts'
import type { Name } from './wire/index.ts'
import { lowerName, nameFromText, ROOT } from './wire/index.ts'

export type DnsConfig = RecordOptions & {
  /** `cluster.local` */
  readonly zone: string
  readonly listen: { readonly addresses: readonly string[]; readonly port: number }
  /** Where HTTP `/ready` and `/health` are served, `127.0.0.1:8181`; nowhere if not given. */
  readonly healthAddress?: string
  /** Where HTTP `/metrics` is served; nowhere if not given. */
  readonly metricsAddress?: string
  /** For names outside the zone; none: those are REFUSED. */
  readonly upstreams: readonly string[]
  readonly policy: ForwardPolicy
  /** Upstreams of single domains, `corp.example` to their addresses. */
  readonly stubDomains: Readonly<Record<string, readonly string[]>>
  /** What upstreams say is remembered; not, if not given. */
  readonly cache?: CacheConfig
  /** The cluster's own ranges: their reverse names never go upstream. */
  readonly reverseCidrs: readonly string[]
  /** Answer what is found in all of in-addr.arpa and ip6.arpa, pass on the rest. */
  readonly reverseEverywhere: boolean
  /** Addresses clients reach this server by, for NS records; the listening ones if empty. */
  readonly ownAddresses: readonly string[]
  /** Largest datagram sent. 1232 is safe from fragmentation (DNS flag day 2020). */
  readonly maxUdpBytes: number
  /** Entries of each generation of the cache of encoded answers. */
  readonly answerCacheEntries: number
  readonly tcp: TcpLimits
  readonly forward: ForwardLimits
  readonly rateLimit: RateLimit
  /** Who may transfer the zone: addresses, CIDRs or `*`; nobody if empty. */
  readonly transferTo: readonly string[]
  /** Share the port with other processes of this server. */
  readonly reusePort: boolean
  /** How long everything goes on after `close` was called, milliseconds. */
  readonly lameduckMilliseconds: number
  /** How long questions under way may take after that, milliseconds. */
  readonly drainMilliseconds: number
}

/** TTL and pods as in kubeadm's Corefile, not as in CoreDNS's own defaults (5 and disabled). */
export const DEFAULT_DNS_CONFIG: DnsConfig = {
  zone: 'cluster.local',
  ttl: 30,
  pods: 'insecure',
  endpointPodNames: false,
  ignoreEmptyService: false,
  listen: { addresses: ['127.0.0.1'], port: 53 },
  upstreams: [],
  policy: 'sequential',
  stubDomains: {},
  reverseCidrs: [],
  reverseEverywhere: true,
  ownAddresses: [],
  maxUdpBytes: 1232,
  answerCacheEntries: 32_768,
  tcp: DEFAULT_TCP_LIMITS,
  forward: DEFAULT_FORWARD_LIMITS,
  rateLimit: NO_RATE_LIMIT,
  transferTo: [],
  reusePort: false,
  lameduckMilliseconds: 0,
  drainMilliseconds: 5000,
}

export function parseUpstreams(texts: readonly string[]): Upstream[] {
  return texts.map((text) => {
    const upstream = parseUpstream(text)
    if (upstream === undefined) {
      throw new SignalboxError('SBX_DNS_CONFIG', `an upstream is not ADDRESS or ADDRESS:PORT: ${text}`, {
        facts: { upstream: text },
      })
    }
    return upstream
  })
}

/** The one block that settings without a Corefile stand for: everything, on one port. */
export function blockOfConfig(config: DnsConfig): BlockConfig {
  const stubs = Object.entries(config.stubDomains).map(([domain, texts]) => forwardOf(zoneOf(domain), texts, config))
  const others = config.upstreams.length === 0 ? [] : [forwardOf(ROOT, config.upstreams, config)]
  return {
    zones: [ROOT],
    port: config.listen.port,
    bind: [],
    kubernetes: { ...config, fallthrough: false },
    forwards: [...stubs, ...others],
    ...(config.cache === undefined ? {} : { cache: config.cache }),
    rewrites: [],
    templates: [],
    shuffle: true,
    loop: false,
    log: false,
    transferTo: config.transferTo,
  }
}

function forwardOf(from: Name, texts: readonly string[], config: DnsConfig): ForwardConfig {
  const { policy } = config
  return { from, except: [], upstreams: parseUpstreams(texts), policy, forceTcp: false, healthChecked: true }
}

function zoneOf(text: string): Name {
  const name = nameFromText(text)
  if (name === undefined) {
    throw new SignalboxError('SBX_DNS_CONFIG', `a stub domain is not a domain name: ${text}`, {
      facts: { domain: text },
    })
  }
  return lowerName(name)
}
