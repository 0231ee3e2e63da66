/** What kube-proxy refuses to start with (OP-2; kubernetes pkg/proxy/apis/config/validation). Every problem at once. */
import { isAddress, parseCidr } from '#lib'
import type { KubeProxyConfiguration } from './schema.ts'

export const MODES = ['', 'auto', 'iptables', 'nftables', 'ipvs'] as const
const DETECT_LOCAL_MODES = ['', 'ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const

export function validateConfiguration(configuration: KubeProxyConfiguration): readonly string[] {
  const problems: string[] = []
  const demand = (holds: boolean, field: string, must: string): void => {
    if (!holds) problems.push(`${field} must ${must}`)
  }
  for (const name of ['iptables', 'ipvs', 'nftables'] as const) {
    const { syncPeriod, minSyncPeriod } = configuration[name]
    demand(syncPeriod > 0, `${name}.syncPeriod`, 'be greater than 0')
    demand(minSyncPeriod >= 0, `${name}.minSyncPeriod`, 'not be negative')
    demand(minSyncPeriod <= syncPeriod, `${name}.minSyncPeriod`, 'not be greater than syncPeriod')
  }
  for (const name of ['iptables', 'nftables'] as const) {
    const { masqueradeBit } = configuration[name]
    demand(isWhole(masqueradeBit, 0, 31), `${name}.masqueradeBit`, 'be in 0..31')
  }
  demand(configuration.configSyncPeriod > 0, 'configSyncPeriod', 'be greater than 0')
  demand(isWhole(configuration.oomScoreAdj, -1000, 1000), 'oomScoreAdj', 'be in -1000..1000')
  for (const [name, value] of Object.entries(configuration.conntrack)) {
    if (typeof value === 'number') demand(value >= 0, `conntrack.${name}`, 'not be negative')
  }
  demand(isAddress(configuration.bindAddress), 'bindAddress', 'be an IP address')
  const { healthzBindAddress, metricsBindAddress } = configuration
  demand(isBind(healthzBindAddress) || healthzBindAddress === '', 'healthzBindAddress', 'be IP:PORT')
  demand(isBind(metricsBindAddress) || metricsBindAddress === '', 'metricsBindAddress', 'be IP:PORT')
  demand((MODES as readonly string[]).includes(configuration.mode), 'mode', `be one of ${MODES.slice(1).join(', ')}`)
  checkLocal(configuration, demand)
  return problems
}

type Demand = (holds: boolean, field: string, must: string) => void

function checkLocal(configuration: KubeProxyConfiguration, demand: Demand): void {
  const { detectLocalMode: mode, detectLocal } = configuration
  demand(
    (DETECT_LOCAL_MODES as readonly string[]).includes(mode),
    'detectLocalMode',
    `be one of ${DETECT_LOCAL_MODES.slice(1).join(', ')}`,
  )
  if (mode === 'BridgeInterface') demand(detectLocal.bridgeInterface !== '', 'detectLocal.bridgeInterface', 'be given')
  if (mode === 'InterfaceNamePrefix') {
    demand(detectLocal.interfaceNamePrefix !== '', 'detectLocal.interfaceNamePrefix', 'be given')
  }
  for (const [field, name] of Object.entries(detectLocal)) {
    // The kernel's limit, without the zero byte; and it goes into a rule text.
    demand(/^[^\s/"']{0,15}$/.test(name), `detectLocal.${field}`, 'be an interface name')
  }
  const clusterCIDRs = configuration.clusterCIDR === '' ? [] : configuration.clusterCIDR.split(',')
  demand(
    clusterCIDRs.every((cidr) => parseCidr(cidr.trim()) !== undefined),
    'clusterCIDR',
    'be CIDRs, comma-separated',
  )
  const { nodePortAddresses } = configuration
  const primary = nodePortAddresses.includes('primary')
  demand(!primary || nodePortAddresses.length === 1, 'nodePortAddresses', 'have "primary" alone')
  demand(
    primary || nodePortAddresses.every((cidr) => parseCidr(cidr) !== undefined),
    'nodePortAddresses',
    'be CIDRs or "primary"',
  )
}

function isWhole(value: number, from: number, to: number): boolean {
  return Number.isInteger(value) && value >= from && value <= to
}

function isBind(text: string): boolean {
  const [, six, four, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? []
  return isAddress(six ?? four ?? '') && isWhole(Number(port), 1, 65_535)
}
