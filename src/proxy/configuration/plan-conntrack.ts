/**
 * Kernel settings of connection tracking (CT-12; kube-proxy pkg/proxy/conntrack/sysctls.go). Only what differs is written,
 * and TCP's liberal mode is only ever turned on. Pure: from the settings found to the settings to be written.
 */
import type { Sysctl } from '#kernel'
import type { KubeProxyConfiguration } from './schema.ts'

export type ConntrackPlan = {
  readonly sysctls: readonly Sysctl[]
  /** Wanted size of the kernel module's hash table, where it is too small. */
  readonly hashSize?: number
}

/** What keeps an oversized machine from spending its memory on flows. */
const CEILING = 1_048_576

export type ConntrackPlanInput = {
  readonly conntrack: KubeProxyConfiguration['conntrack']
  readonly cores: number
  /** By path; a setting that is not there is missing. */
  readonly found: ReadonlyMap<string, string>
  readonly hashSize?: number | undefined
}

export const CONNTRACK_PATHS = {
  max: 'net/netfilter/nf_conntrack_max',
  tcpEstablishedTimeout: 'net/netfilter/nf_conntrack_tcp_timeout_established',
  tcpCloseWaitTimeout: 'net/netfilter/nf_conntrack_tcp_timeout_close_wait',
  udpTimeout: 'net/netfilter/nf_conntrack_udp_timeout',
  udpStreamTimeout: 'net/netfilter/nf_conntrack_udp_timeout_stream',
  tcpBeLiberal: 'net/netfilter/nf_conntrack_tcp_be_liberal',
} as const

export function planConntrack({ conntrack, cores, found, hashSize }: ConntrackPlanInput): ConntrackPlan {
  const wanted = new Map<string, number>()
  const max = conntrack.maxPerCore === 0 ? 0 : Math.min(CEILING, Math.max(conntrack.min, conntrack.maxPerCore * cores))
  if (max > 0) wanted.set(CONNTRACK_PATHS.max, max)
  for (const name of ['tcpEstablishedTimeout', 'tcpCloseWaitTimeout', 'udpTimeout', 'udpStreamTimeout'] as const) {
    if (conntrack[name] > 0) wanted.set(CONNTRACK_PATHS[name], Math.floor(conntrack[name]))
  }
  if (conntrack.tcpBeLiberal) wanted.set(CONNTRACK_PATHS.tcpBeLiberal, 1)
  const sysctls = [...wanted]
    .filter(([path, value]) => found.get(path) !== String(value))
    .map(([path, value]): Sysctl => ({ path, value: String(value) }))
  const needed = Math.floor(max / 4)
  return { sysctls, ...(hashSize !== undefined && hashSize < needed ? { hashSize: needed } : {}) }
}
