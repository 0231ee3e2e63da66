import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#lib'
import { createMetricRegistry } from './metrics.ts'
import { createProxyMetrics } from './proxy-metrics.ts'
import type { SyncReceipt } from './receipt.ts'
import { createTriggerTimes } from './trigger-times.ts'
import { here, slice } from './testing/objects.ts'

test('the text is what Prometheus reads: labels in order and escaped, buckets cumulative', () => {
  const registry = createMetricRegistry()
  const counter = registry.counter('a_total', 'As.')
  counter.add({ b: 'x"y\\z\n', a: '1' })
  counter.add({ a: '1', b: 'x"y\\z\n' }, 2)
  registry.gauge('g', 'G.').set({}, 1.5)
  const histogram = registry.histogram('h_seconds', 'H.', [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 9]) histogram.observe({ f: 'v' }, value)
  assert.equal(
    registry.expose(),
    `# HELP a_total As.
# TYPE a_total counter
a_total{a="1",b="x\\"y\\\\z\\n"} 3
# HELP g G.
# TYPE g gauge
g 1.5
# HELP h_seconds H.
# TYPE h_seconds histogram
h_seconds_bucket{f="v",le="0.1"} 2
h_seconds_bucket{f="v",le="1"} 3
h_seconds_bucket{f="v",le="+Inf"} 4
h_seconds_sum{f="v"} 9.65
h_seconds_count{f="v"} 4
`,
  )
})

const RECEIPT: SyncReceipt = {
  family: 'IPv4',
  mode: 'iptables',
  kind: 'partial',
  services: [],
  lines: 3,
  bytes: 100,
  seconds: 0.004,
  quarantined: [],
}

test('kube-proxy’s names, by mode and outcome', () => {
  const metrics = createProxyMetrics(systemClock)
  const has = (line: string): void => {
    assert.ok(metrics.expose().split('\n').includes(line), `${line}\n${metrics.expose()}`)
  }
  metrics.changed('endpoint', 2)
  has('kubeproxy_sync_proxy_rules_endpoint_changes_pending 2')
  metrics.synced(RECEIPT)
  has('kubeproxy_sync_proxy_rules_endpoint_changes_pending 0')
  has('kubeproxy_sync_proxy_rules_endpoint_changes_total 2')
  has('kubeproxy_sync_partial_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="0.004"} 1')
  metrics.synced({ ...RECEIPT, error: { code: 'SBX_IPTABLES_REJECTED', message: 'no' } })
  has('kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv4"} 1')
  has('kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total{ip_family="IPv4"} 1')
  has('kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1')
  metrics.synced({ ...RECEIPT, mode: 'nftables', kind: 'full', error: { code: 'SBX_NFT_REJECTED', message: 'no' } })
  has('kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 1')
  metrics.programmed('IPv6', [0.3, 400])
  has('kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv6",le="0.5"} 1')
  has('kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv6",le="300"} 1')
  has('kubeproxy_network_programming_duration_seconds_count{ip_family="IPv6"} 2')
  metrics.asked('healthz', 503)
  has('kubeproxy_proxy_healthz_total{code="503"} 1')
  metrics.rules('IPv4', 'nat', { total: 40, last: 7 })
  has('kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"} 40')
  metrics.unserved('IPv4', { internal: 1, external: 2 })
  has('kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="external"} 2')
  metrics.flows('IPv4', { listed: 9, removed: 4, seconds: 0.1 })
  has('kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"} 4')
})

test('OP-32 latency counts each change of a slice once, and none from before the start', () => {
  const at = (name: string, time: string) => {
    const made = slice({ name, endpoints: [here('10.244.1.1')] })
    const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': time }
    return { ...made, metadata: { ...made.metadata, annotations } }
  }
  const triggers = createTriggerTimes(Date.parse('2026-01-01T00:00:10Z'))
  triggers.note('ns/web', [at('a', '2026-01-01T00:00:05Z'), at('b', '2026-01-01T00:00:11.5Z')])
  triggers.note('ns/web', [at('a', '2026-01-01T00:00:05Z'), at('b', '2026-01-01T00:00:12Z')])
  triggers.note('ns/web', [at('a', '2026-01-01T00:00:05Z'), at('b', '2026-01-01T00:00:12Z')])
  assert.deepEqual(
    triggers.take().map((time) => new Date(time).toISOString()),
    ['2026-01-01T00:00:11.500Z', '2026-01-01T00:00:12.000Z'],
  )
  assert.deepEqual(triggers.take(), [])
  triggers.note('ns/web', [at('a', '2026-01-01T00:00:13Z'), at('b', '2026-01-01T00:00:12Z')])
  triggers.note('ns/web', [at('b', '2026-01-01T00:00:12Z')])
  assert.deepEqual(triggers.take(), [])
})
