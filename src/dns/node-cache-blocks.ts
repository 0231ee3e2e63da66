/**
 * The blocks of a node's cache: cluster names and reverse names go to cluster DNS over TCP, others to the node's
 * resolvers. Denials of cluster names are kept for five seconds only: a StatefulSet's peers ask for each other before they
 * exist.
 */
import type { BlockConfig } from './chain/index.ts'
import { parseUpstreams } from './dns-config.ts'
import type { CacheConfig, ForwardPolicy } from './forward/index.ts'
import { DEFAULT_CACHE_CONFIG } from './forward/index.ts'
import type { Name } from './wire/index.ts'
import { lowerName, nameFromText, ROOT } from './wire/index.ts'
import { SignalboxError } from '#lib'

export type NodeCacheOptions = {
  readonly zone: string
  readonly port: number
  readonly clusterDns: readonly string[]
  readonly upstreams: readonly string[]
  readonly policy: ForwardPolicy
}

export function nodeCacheBlocks(options: NodeCacheOptions): readonly BlockConfig[] {
  const { port, policy } = options
  const { success, denial } = DEFAULT_CACHE_CONFIG
  const cluster: CacheConfig = {
    ...DEFAULT_CACHE_CONFIG,
    success: { ...success, maxTtl: 30 },
    denial: { ...denial, maxTtl: 5 },
  }
  const others: CacheConfig = { ...cluster, denial: { ...denial, maxTtl: 30 } }
  const block = (zones: readonly Name[], cache: CacheConfig, forwards: BlockConfig['forwards']): BlockConfig => ({
    zones,
    port,
    bind: [],
    cache,
    forwards,
    rewrites: [],
    templates: [],
    shuffle: true,
    loop: true,
    log: false,
    transferTo: [],
  })
  const toCluster = { except: [], upstreams: parseUpstreams(options.clusterDns), policy, healthChecked: true }
  const zones = [options.zone, 'in-addr.arpa', 'ip6.arpa'].map(zoneOf)
  const resolvers = parseUpstreams(options.upstreams)
  const clusterBlock = block(
    zones,
    cluster,
    zones.map((from) => ({ ...toCluster, from, forceTcp: true })),
  )
  if (resolvers.length === 0) return [clusterBlock]
  const rest = { from: ROOT, except: [], upstreams: resolvers, policy, forceTcp: false, healthChecked: true }
  return [clusterBlock, block([ROOT], others, [rest])]
}

function zoneOf(text: string): Name {
  const name = nameFromText(text)
  if (name !== undefined) return lowerName(name)
  throw new SignalboxError('SBX_DNS_CONFIG', `the cluster zone is not a domain name: ${text}`, {
    facts: { zone: text },
  })
}
