/** `signalbox proxy`: one node's proxy against any API server, with this host's kernel. */
import { hostname, networkInterfaces } from 'node:os'

import { createIptablesBackend } from '#backends/iptables'
import { openIptables, readSysctl, runCommand, writeSysctls } from '#kernel'
import type { Family } from '#lib'
import { SignalboxError, systemClock } from '#lib'
import type { ProxyConfig } from '#proxy'
import { DEFAULT_PROXY_CONFIG, runProxy } from '#proxy'
import { watchCluster } from '#watch'

import { connectRole } from '../connect-role.ts'
import { createLogger } from '../create-logger.ts'
import { requireKnownMode } from '../render/run-render.ts'
import { stopSignal } from '../stop-signal.ts'

export type ProxyRoleOptions = {
  readonly kubeconfig?: string
  readonly nodeName?: string
  readonly mode: string
  readonly clusterCidr?: string
  readonly masqueradeAll: boolean
  readonly nodePortAddresses: readonly string[]
  readonly healthzBindAddress?: string
}

export async function runProxyRole(options: ProxyRoleOptions): Promise<void> {
  requireKnownMode(options.mode)
  const logger = createLogger('proxy')
  const signal = stopSignal()
  const nodeName = (options.nodeName ?? hostname()).trim().toLowerCase()
  const client = connectRole({ ...options, component: 'signalbox-proxy', clock: systemClock, signal })
  const families = await usableFamilies()
  const backends = families.map((family) => createIptablesBackend(openIptables({ family, runCommand })))
  for (const backend of backends) {
    const [lack] = await backend.probe()
    if (lack !== undefined) throw new SignalboxError('SBX_CAPABILITY_IPTABLES', `${lack.name}: ${lack.detail}`)
  }
  await runProxy({
    changes: watchCluster({ client, nodeName, clock: systemClock, logger, signal }),
    nodeName,
    config: configOf(options),
    backends,
    clock: systemClock,
    logger,
    signal,
    writeSysctls,
    hostAddresses: () =>
      Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address)),
    onSynced: () => logger.info('all services are programmed', { node: nodeName, mode: options.mode }),
  })
}

function configOf(options: ProxyRoleOptions): ProxyConfig {
  return {
    ...DEFAULT_PROXY_CONFIG,
    clusterCIDRs: options.clusterCidr === undefined ? [] : options.clusterCidr.split(','),
    masqueradeAll: options.masqueradeAll,
    nodePortAddresses: options.nodePortAddresses,
    ...(options.healthzBindAddress === undefined ? {} : { healthzBindAddress: options.healthzBindAddress }),
  }
}

/** IN-33: IPv6 is left out only where this network namespace has none. */
async function usableFamilies(): Promise<readonly Family[]> {
  const disabled = await readSysctl('net/ipv6/conf/all/disable_ipv6')
  return disabled === '0' ? ['IPv4', 'IPv6'] : ['IPv4']
}
