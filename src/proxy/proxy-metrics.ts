/** What the proxy counts, under kube-proxy's names (section 10.5; kube-proxy pkg/proxy/metrics/metrics.go). */
import type { Clock, Family } from '#lib'
import type { MetricRegistry } from './metrics.ts'
import { createMetricRegistry } from './metrics.ts'
import type { SyncReceipt } from './receipt.ts'
import type { FlowsReceipt } from './reconcile-flows.ts'

export interface ProxyMetrics {
  /** The text of /metrics. */
  expose(): string
  queued(family: Family): void
  changed(of: 'service' | 'endpoint', count: number): void
  /** Every sync, failed ones included. */
  synced(receipt: SyncReceipt): void
  /** Seconds from a change of endpoints to its rules in the kernel. */
  programmed(family: Family, seconds: readonly number[]): void
  /** Services that a Local policy leaves without an endpoint here. */
  unserved(family: Family, count: { readonly internal: number; readonly external: number }): void
  /** Rules held and rules written by the last sync, by table; iptables mode only. */
  rules(family: Family, table: string, count: { readonly total: number; readonly last: number }): void
  flows(family: Family, receipt: FlowsReceipt): void
  asked(path: 'healthz' | 'livez', status: number): void
  /** Somebody else's change of rules was found, and put right. */
  repaired(family: Family): void
}

/** 1 ms times the powers of two. */
const DURATIONS = Array.from({ length: 15 }, (_, power) => 2 ** power / 1000)
const LATENCIES = [
  0.25,
  0.5,
  ...Array.from({ length: 59 }, (_, index) => index + 1),
  ...Array.from({ length: 12 }, (_, index) => 60 + 5 * index),
  ...Array.from({ length: 7 }, (_, index) => 120 + 30 * index),
]

export function createProxyMetrics(clock: Clock, registry: MetricRegistry = createMetricRegistry()): ProxyMetrics {
  const counter = (name: string, help: string) => registry.counter(`kubeproxy_${name}`, help)
  const gauge = (name: string, help: string) => registry.gauge(`kubeproxy_${name}`, help)
  const histogram = (name: string, help: string, buckets = DURATIONS) =>
    registry.histogram(`kubeproxy_${name}`, help, buckets)

  const duration = histogram('sync_proxy_rules_duration_seconds', 'Duration of syncs.')
  const durations = {
    full: histogram('sync_full_proxy_rules_duration_seconds', 'Duration of full syncs.'),
    partial: histogram('sync_partial_proxy_rules_duration_seconds', 'Duration of partial syncs.'),
  }
  const lastSync = gauge('sync_proxy_rules_last_timestamp_seconds', 'Time of the last successful sync.')
  const lastQueued = gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'Time a sync was last asked for.')
  const latency = histogram(
    'network_programming_duration_seconds',
    'From a change of endpoints to its rules.',
    LATENCIES,
  )
  const pending = {
    endpoint: gauge('sync_proxy_rules_endpoint_changes_pending', 'Changes of endpoints not yet in the rules.'),
    service: gauge('sync_proxy_rules_service_changes_pending', 'Changes of Services not yet in the rules.'),
  }
  const total = {
    endpoint: counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoints.'),
    service: counter('sync_proxy_rules_service_changes_total', 'Changes of Services.'),
  }
  const unserved = gauge(
    'sync_proxy_rules_no_local_endpoints_total',
    'Services with a Local policy, endpoints, and none on this node.',
  )
  const asked = {
    healthz: counter('proxy_healthz_total', 'Answers of /healthz.'),
    livez: counter('proxy_livez_total', 'Answers of /livez.'),
  }
  const restoreFailures = counter('sync_proxy_rules_iptables_restore_failures_total', 'Failed iptables-restore calls.')
  const partialFailures = counter(
    'sync_proxy_rules_iptables_partial_restore_failures_total',
    'Failed iptables-restore calls of partial syncs.',
  )
  const nftFailures = counter('sync_proxy_rules_nftables_sync_failures_total', 'Failed nftables syncs.')
  const rulesTotal = gauge('sync_proxy_rules_iptables_total', 'Rules of ours, by table.')
  const rulesLast = gauge('sync_proxy_rules_iptables_last', 'Rules written by the last sync, by table.')
  const flowSeconds = histogram('conntrack_reconciler_sync_duration_seconds', 'Duration of looking for stale flows.')
  const flowsRemoved = counter('conntrack_reconciler_deleted_entries_total', 'Stale flows deleted.')
  const repairs = registry.counter('signalbox_proxy_repairs_total', 'Full syncs that undid changes of somebody else.')

  const labels = (family: Family) => ({ ip_family: family })
  const seconds = (): number => clock.now() / 1000
  return {
    expose: () => registry.expose(),
    queued: (family) => lastQueued.set(labels(family), seconds()),
    changed: (of, count) => {
      total[of].add({}, count)
      pending[of].set({}, pending[of].value() + count)
    },
    synced: ({ family, kind, mode, seconds: took, error }) => {
      if (error === undefined) {
        duration.observe(labels(family), took)
        if (mode === 'iptables' || mode === 'nftables') durations[kind].observe(labels(family), took)
        lastSync.set(labels(family), seconds())
        pending.endpoint.set({}, 0)
        pending.service.set({}, 0)
      } else if (mode === 'iptables') {
        restoreFailures.add(labels(family))
        if (kind === 'partial') partialFailures.add(labels(family))
      } else if (mode === 'nftables') nftFailures.add(labels(family))
    },
    programmed: (family, samples) => {
      for (const sample of samples) latency.observe(labels(family), sample)
    },
    unserved: (family, { internal, external }) => {
      unserved.set({ ...labels(family), traffic_policy: 'internal' }, internal)
      unserved.set({ ...labels(family), traffic_policy: 'external' }, external)
    },
    rules: (family, table, count) => {
      rulesTotal.set({ ...labels(family), table }, count.total)
      rulesLast.set({ ...labels(family), table }, count.last)
    },
    flows: (family, { removed, seconds: took }) => {
      flowSeconds.observe(labels(family), took)
      flowsRemoved.add(labels(family), removed)
    },
    asked: (path, status) => asked[path].add({ code: String(status) }),
    repaired: (family) => repairs.add(labels(family)),
  }
}
