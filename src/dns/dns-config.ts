/** What can be chosen about the cluster DNS server, and what it is when nobody chooses. */
import { SignalboxError } from '#lib'
import type { ForwardLimits, Upstream } from './forward/index.ts'
import { DEFAULT_FORWARD_LIMITS, parseUpstream } from './forward/index.ts'
import type { RecordOptions } from './records/index.ts'
import type { TcpLimits } from './server/index.ts'
import { DEFAULT_TCP_LIMITS } from './server/index.ts'

export type DnsConfig = RecordOptions & {
  /** `cluster.local` */
  readonly zone: string
  readonly listen: { readonly addresses: readonly string[]; readonly port: number }
  /** Where HTTP `/ready` and `/health` are served, `127.0.0.1:8181`; nowhere if not given. */
  readonly healthAddress?: string
  /** For names outside the zone; none: those are REFUSED. */
  readonly upstreams: readonly string[]
  /** The cluster's own ranges: their reverse names never go upstream. */
  readonly reverseCidrs: readonly string[]
  /** Answer what is found in all of in-addr.arpa and ip6.arpa, pass on the rest. */
  readonly reverseEverywhere: boolean
  /** Addresses clients reach this server by, for NS records; the listening ones if empty. */
  readonly ownAddresses: readonly string[]
  /** Largest datagram sent. 1232 is safe from fragmentation (DNS flag day 2020). */
  readonly maxUdpBytes: number
  readonly tcp: TcpLimits
  readonly forward: ForwardLimits
  /** How long questions under way may take after `close`, milliseconds. */
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
  reverseCidrs: [],
  reverseEverywhere: true,
  ownAddresses: [],
  maxUdpBytes: 1232,
  tcp: DEFAULT_TCP_LIMITS,
  forward: DEFAULT_FORWARD_LIMITS,
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
