export type { ProxyConfig } from './config.ts'
export { DEFAULT_PROXY_CONFIG } from './config.ts'
export type { ConntrackPlan, Decoded, GivenFlags, KubeProxyConfiguration, RunningMode } from './configuration/index.ts'
export {
  applyFlags,
  completeAddresses,
  configurationObject,
  CONNTRACK_PATHS,
  decodeConfiguration,
  defaultConfiguration,
  ignoredSettings,
  planConntrack,
  printConfiguration,
  toProxyConfig,
  validateConfiguration,
} from './configuration/index.ts'
export type { EventSink, ProxyEvent } from './events.ts'
export { createEventRecorder } from './record-events.ts'
export type { ProxyMetrics } from './proxy-metrics.ts'
export { createProxyMetrics } from './proxy-metrics.ts'
export type { FamilyHealth, HealthReport, ProxyHealth } from './proxy-health.ts'
export type { SyncReceipt } from './receipt.ts'
export type { RenderClusterInput } from './render-cluster.ts'
export { renderCluster, renderClusterProgram, renderNftablesProgram } from './render-cluster.ts'
export type { RunProxyOptions } from './run-proxy.ts'
export { runProxy } from './run-proxy.ts'
