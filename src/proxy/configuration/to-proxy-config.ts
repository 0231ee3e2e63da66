/** A configuration, for one mode, to what the loop runs on (OP-3, OP-19, TG-27). */
import { familyOf, isAddress } from '#lib'
import type { DetectLocalMode } from '#dataplane'
import type { ProxyConfig } from '../config.ts'
import { DEFAULT_PROXY_CONFIG } from '../config.ts'
import type { KubeProxyConfiguration } from './schema.ts'

export type RunningMode = 'iptables' | 'nftables'

export type ProxyConfigInput = {
  readonly configuration: KubeProxyConfiguration
  readonly mode: RunningMode
  readonly serviceCIDRs: readonly string[]
  /** nf_conntrack_tcp_be_liberal is on: what it takes for invalid is not dropped (IPT-12). */
  readonly beLiberal: boolean
}

export function toProxyConfig({ configuration, mode, serviceCIDRs, beLiberal }: ProxyConfigInput): ProxyConfig {
  const section = configuration[mode]
  const { bindAddress, detectLocal, nodePortAddresses } = configuration
  const cidrs = configuration.clusterCIDR.split(',').map((cidr) => cidr.trim())
  const local = (
    configuration.detectLocalMode === '' ? 'ClusterCIDR' : configuration.detectLocalMode
  ) as DetectLocalMode
  return {
    ...DEFAULT_PROXY_CONFIG,
    detectLocalMode: local,
    clusterCIDRs: cidrs.filter((cidr) => cidr !== ''),
    ...(detectLocal.bridgeInterface === '' ? {} : { bridgeInterface: detectLocal.bridgeInterface }),
    ...(detectLocal.interfaceNamePrefix === '' ? {} : { interfaceNamePrefix: detectLocal.interfaceNamePrefix }),
    masqueradeBit: section.masqueradeBit,
    masqueradeAll: section.masqueradeAll,
    nodePortAddresses: mode === 'nftables' && nodePortAddresses.length === 0 ? ['primary'] : nodePortAddresses,
    localhostNodePorts: mode === 'iptables' && configuration.iptables.localhostNodePorts,
    dropInvalid: !beLiberal,
    serviceCIDRs,
    syncPeriod: section.syncPeriod,
    minSyncPeriod: section.minSyncPeriod,
    ...listen('healthzBindAddress', configuration.healthzBindAddress),
    ...listen('metricsBindAddress', configuration.metricsBindAddress),
    bindAddressHardFail: configuration.bindAddressHardFail,
    nodeWaitSeconds: NODE_WAIT_SECONDS,
    ...(isUnspecified(bindAddress) ? {} : { nodeAddress: bindAddress }),
  }
}

/** OP-16. */
const NODE_WAIT_SECONDS = 30

function listen<Name extends string>(name: Name, bind: string): { readonly [K in Name]?: string } {
  return bind === '' ? {} : ({ [name]: bind } as { readonly [K in Name]?: string })
}

export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

const PORTS = { healthzBindAddress: 10256, metricsBindAddress: 10249 } as const

/**
 * Bind addresses in full: a missing port is the field's own, and an IPv6 `bindAddress` moves the addresses that nobody
 * gave to IPv6 (section 10.1).
 */
export function completeAddresses(
  configuration: KubeProxyConfiguration,
  given: ReadonlySet<string>,
): KubeProxyConfiguration {
  const six = familyOf(configuration.bindAddress) === 'IPv6'
  const complete = (field: keyof typeof PORTS, host: string): string => {
    if (six && !given.has(field)) return `[${host}]:${PORTS[field]}`
    const text = configuration[field]
    if (!isAddress(text)) return text
    return text.includes(':') ? `[${text}]:${PORTS[field]}` : `${text}:${PORTS[field]}`
  }
  return {
    ...configuration,
    healthzBindAddress: complete('healthzBindAddress', '::'),
    metricsBindAddress: complete('metricsBindAddress', '::1'),
  }
}
