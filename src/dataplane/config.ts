/** What the plan depends on besides the cluster: the part of KubeProxyConfiguration that shapes rules. */
export type DetectLocalMode = 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix'

export type DataplaneConfig = {
  readonly detectLocalMode: DetectLocalMode
  /** The first of each family counts. */
  readonly clusterCIDRs: readonly string[]
  readonly bridgeInterface?: string
  readonly interfaceNamePrefix?: string
  readonly masqueradeBit: number
  readonly masqueradeAll: boolean
  /** CIDRs, or exactly `['primary']`; empty is all local addresses in iptables mode (TG-27). */
  readonly nodePortAddresses: readonly string[]
  readonly localhostNodePorts: boolean
  readonly dropInvalid: boolean
  readonly serviceCIDRs: readonly string[]
}

/** kube-proxy's defaults (OP table 10.1). */
export const DEFAULT_DATAPLANE_CONFIG: DataplaneConfig = {
  detectLocalMode: 'ClusterCIDR',
  clusterCIDRs: [],
  masqueradeBit: 14,
  masqueradeAll: false,
  nodePortAddresses: [],
  localhostNodePorts: true,
  dropInvalid: true,
  serviceCIDRs: [],
}
