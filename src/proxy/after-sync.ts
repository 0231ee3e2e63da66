/** What follows a successful sync, in kube-proxy's order (IPT-40): latencies, gauges, health-check servers, then flows. */
import type { Clock, Family } from '#lib'
import type { FamilySync, StepResult } from './family-sync.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { FlowReconciler } from './reconcile-flows.ts'
import type { FactsChange } from './service-facts.ts'
import type { ServiceHealth } from './service-health.ts'
import type { TriggerTimes } from './trigger-times.ts'

export type AfterSyncOptions = {
  readonly family: Family
  readonly clock: Clock
  readonly metrics: ProxyMetrics
  readonly triggers: TriggerTimes
  readonly serviceHealth: ServiceHealth
  readonly reconcileFlows?: FlowReconciler | undefined
}

export type AfterSync = (result: StepResult, sync: FamilySync) => Promise<void>

export function createAfterSync(options: AfterSyncOptions): AfterSync {
  const { clock, family, metrics } = options
  const unserved = { internal: 0, external: 0 }
  return async (result, sync) => {
    const now = clock.now()
    metrics.programmed(
      family,
      options.triggers.take().map((at) => (now - at) / 1000),
    )
    for (const change of result.facts) {
      unserved.internal += step(change, 'internal')
      unserved.external += step(change, 'external')
    }
    metrics.unserved(family, unserved)
    for (const [table, total] of Object.entries(sync.rules)) {
      metrics.rules(family, table, { total, last: result.tables?.[table] ?? 0 })
    }
    await options.serviceHealth.sync(result.facts)
    const flows = await options.reconcileFlows?.(result.facts, sync.facts)
    if (flows !== undefined) metrics.flows(family, flows)
  }
}

function step({ before, after }: FactsChange, policy: 'internal' | 'external'): number {
  return Number(after?.unserved[policy] ?? false) - Number(before?.unserved[policy] ?? false)
}
