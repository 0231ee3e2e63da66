/**
 * `signalbox dns --node-cache`: what pods of this node ask, answered from a cache on the node itself, in the manner of
 * NodeLocal DNSCache. Cluster names come from cluster DNS over TCP, which loses nothing and leaves no UDP entries in
 * conntrack; others from the node's resolvers.
 *
 * The packets are kept from connection tracking only once the server answers, and for no longer: without the rules the
 * Service's own path is what pods use.
 */
import { readFileSync } from 'node:fs'

import type { ForwardPolicy, RunDnsOptions } from '#dns'
import { nameserversOf, nodeCacheBlocks, POLICIES, runDns, upstreamText } from '#dns'
import { SignalboxError, systemClock } from '#lib'

import { createLogger } from '../create-logger.ts'
import type { BypassMode } from '../node-cache/bypass-rules.ts'
import { BYPASS_MODES } from '../node-cache/bypass-rules.ts'
import { holdAddresses } from '../node-cache/hold-addresses.ts'
import { keepBypass } from '../node-cache/keep-bypass.ts'
import { stopSignal, untilStopped } from '../stop-signal.ts'

export type NodeCacheRoleOptions = {
  readonly zone: string
  readonly localAddresses: readonly string[]
  readonly clusterDns: readonly string[]
  /** Empty: those of /etc/resolv.conf. */
  readonly upstream: readonly string[]
  readonly port: number
  readonly policy: string
  readonly bypass: string
  readonly healthAddress?: string
  readonly metricsAddress?: string
}

export async function runNodeCacheRole(options: NodeCacheRoleOptions): Promise<void> {
  const { localAddresses, clusterDns, zone, port, policy, bypass } = options
  if (clusterDns.length === 0) throw usage('--node-cache needs --cluster-dns ADDRESS')
  if (!(POLICIES as readonly string[]).includes(policy)) throw usage(`--policy takes one of ${POLICIES.join(', ')}`)
  if (!(BYPASS_MODES as readonly string[]).includes(bypass))
    throw usage(`--bypass takes one of ${BYPASS_MODES.join(', ')}`)
  const logger = createLogger('node-cache')
  const signal = stopSignal()
  const upstreams = options.upstream.length > 0 ? options.upstream : hostResolvers(localAddresses)
  const releaseAddresses = await holdAddresses(localAddresses, logger)
  try {
    const settings: Partial<RunDnsOptions> = {
      blocks: nodeCacheBlocks({ zone, port, clusterDns, upstreams, policy: policy as ForwardPolicy }),
      ...(options.healthAddress === undefined ? {} : { healthAddress: options.healthAddress }),
      ...(options.metricsAddress === undefined ? {} : { metricsAddress: options.metricsAddress }),
    }
    const running = await runDns({
      ...settings,
      source: 'none',
      listen: { addresses: localAddresses, port },
      clock: systemClock,
      logger,
      signal: new AbortController().signal,
    })
    const removeBypass = await keepBypass({
      mode: bypass as BypassMode,
      addresses: localAddresses,
      port,
      logger,
      signal,
    })
    await untilStopped(signal)
    await removeBypass()
    await running.close()
  } finally {
    await releaseAddresses()
  }
}

function usage(message: string): SignalboxError {
  return new SignalboxError('SBX_CLI_USAGE', message)
}

/** Without itself: that would be a loop. */
function hostResolvers(own: readonly string[]): readonly string[] {
  const text = (() => {
    try {
      return readFileSync('/etc/resolv.conf', 'utf8')
    } catch {
      return ''
    }
  })()
  return nameserversOf(text)
    .filter(({ address }) => !own.includes(address))
    .map(upstreamText)
}
