export type { DnsMetrics, MetricsGauges } from './dns-metrics.ts'
export { createDnsMetrics } from './dns-metrics.ts'
export { EXPOSITION_TYPE } from './exposition.ts'
