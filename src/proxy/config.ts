/** What the node proxy can be told: the KubeProxyConfiguration fields in use, under their own names where they have one. */
import type { DataplaneConfig } from '#dataplane'
import { DEFAULT_DATAPLANE_CONFIG } from '#dataplane'

export type ProxyConfig = DataplaneConfig & {
  /** Seconds: twice this without a success is unhealthy, and the longest delay between retries (OP-25, OP-29). */
  readonly syncPeriod: number
  /** Seconds between the end of one sync and the start of the next (OP-23). */
  readonly minSyncPeriod: number
  /** Seconds between unprompted full reconciles (OP-24); 0 turns them off. */
  readonly fullSyncPeriod: number
  /** HOST:PORT of /healthz and /livez; absent is off. */
  readonly healthzBindAddress?: string
  /** HOST:PORT of /metrics, /proxyMode and /configz; absent is off. */
  readonly metricsBindAddress?: string
  /** An address that cannot be bound ends the proxy; else it is tried again. */
  readonly bindAddressHardFail: boolean
  /** Seconds to wait for an address of the Node object before the first sync (OP-16). */
  readonly nodeWaitSeconds: number
  /** This node's address, over what the Node object says (OP-19). */
  readonly nodeAddress?: string
}

/** kube-proxy's defaults, except that nothing listens and nothing delays the first change unless asked. */
export const DEFAULT_PROXY_CONFIG: ProxyConfig = {
  ...DEFAULT_DATAPLANE_CONFIG,
  syncPeriod: 30,
  minSyncPeriod: 0,
  fullSyncPeriod: 3600,
  bindAddressHardFail: false,
  nodeWaitSeconds: 0,
}
