/**
 * The node loop: changes of the cluster in, rules in the kernel out, per family and independently of each other (IN-33).
 *
 * Nothing is written before the first change, and on the way out nothing is removed: rules outlive the process (IN-5,
 * OP-12).
 */
import type { ClusterChange, ClusterState, Service } from '#api'
import type { Backend } from '#backends/shared'
import type { NodePlan } from '#dataplane'
import { planNode } from '#dataplane'
import type { ConntrackDoor, RulesetWatch, Sysctl } from '#kernel'
import type { Clock, Family, Logger } from '#lib'
import { messageOf } from '#lib'
import type { NodeFacts } from '#model'
import { nodeFactsOf } from '#model'
import { createAfterSync } from './after-sync.ts'
import type { ProxyConfig } from './config.ts'
import type { EventSink } from './events.ts'
import { noEvents } from './events.ts'
import { createFamilySync } from './family-sync.ts'
import { createNotifier } from './notifier.ts'
import { createProxyHealth } from './proxy-health.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import { createProxyMetrics } from './proxy-metrics.ts'
import type { SyncReceipt } from './receipt.ts'
import { createFlowReconciler } from './reconcile-flows.ts'
import type { Worker, WorkerContext } from './run-worker.ts'
import { runWorker } from './run-worker.ts'
import { startServers } from './start-servers.ts'
import { createServiceHealth } from './service-health.ts'
import { createTriggerTimes } from './trigger-times.ts'
import { waitForNode } from './wait-for-node.ts'
import { watchRules } from './watch-rules.ts'

export type RunProxyOptions<S, F, T, L> = {
  readonly changes: AsyncIterable<ClusterChange>
  readonly nodeName: string
  readonly config: ProxyConfig
  /** One a family, all of one mode. */
  readonly backends: readonly Backend<S, F, T, L>[]
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Called once, when every family's first sync has succeeded. */
  readonly onSynced?: () => void
  /** Called after every sync, failed ones included. */
  readonly publish?: (receipt: SyncReceipt) => void
  /** Sets kernel settings in this network namespace; without it none is touched. */
  readonly writeSysctls?: (sysctls: readonly Sysctl[]) => Promise<unknown>
  /** Addresses on this host's interfaces, asked at full syncs; the Node object's addresses without it. */
  readonly hostAddresses?: () => readonly string[]
  /** Notices changes of rules that are not ours; without it only the hourly full sync does. Knows the backends' doors. */
  readonly rulesetWatch?: RulesetWatch
  /** The tables of flows, one a family; without one, stale UDP flows are left to the kernel. */
  readonly conntrack?: readonly ConntrackDoor[]
  /** Told what users should see on their objects (OP-34). */
  readonly onEvent?: EventSink
  readonly metrics?: ProxyMetrics
  /** What /configz shows; the configuration in use if not given. */
  readonly configz?: unknown
  /** Called with the port /healthz really listens on. */
  readonly onHealthz?: (port: number) => void
  /** Called with the port /metrics really listens on. */
  readonly onMetrics?: (port: number) => void
}

/** Runs until the signal aborts; rejects if the changes cannot be read any further. */
export async function runProxy<S, F, T, L>(options: RunProxyOptions<S, F, T, L>): Promise<void> {
  const { backends, clock, config, logger } = options
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  const families = backends.map(({ family }) => family)
  const health = createProxyHealth({ families, clock, timeout: 2000 * config.syncPeriod })
  const metrics = options.metrics ?? createProxyMetrics(clock)
  const publish = options.publish ?? ((): void => undefined)
  const onFirstSync = whenAll(families, options.onSynced)
  const context: WorkerContext = { config, clock, logger, signal, health, metrics, publish, onFirstSync }
  const workers = backends.map((backend) => createWorker(options, backend, context))
  const loops: Promise<void>[] = []
  try {
    await startServers({ ...options, mode: backends[0]?.mode ?? '', metrics, health, signal })
    for (const worker of workers) loops.push(runWorker(worker, context))
    if (options.rulesetWatch !== undefined) {
      const onForeign = (): number => suspect(workers)
      loops.push(watchRules({ watch: options.rulesetWatch, clock, logger, signal, onForeign }))
    }
    await readChanges(options, workers, context)
    await Promise.all(loops)
  } finally {
    ended.abort()
    await Promise.allSettled(loops)
  }
}

function createWorker<S, F, T, L>(
  options: RunProxyOptions<S, F, T, L>,
  backend: Backend<S, F, T, L>,
  { clock, logger, signal, health, metrics }: WorkerContext,
): Worker {
  const { family } = backend
  let latest: NodePlan | undefined
  const sync = createFamilySync({
    backend,
    logger,
    planFor: (state) => {
      const planned = planFor(options, state, family)
      latest = planned.nodePlan
      return planned
    },
  })
  const triggers = createTriggerTimes(clock.now())
  const serviceHealth = createServiceHealth({
    family,
    addresses: () => (latest?.nodePortAddresses.kind === 'listed' ? latest.nodePortAddresses.addresses : undefined),
    healthy: () => health.healthy,
    logger,
    signal,
    onFailure: (service, message) =>
      (options.onEvent ?? noEvents)({ service, type: 'Warning', reason: 'FailedToStartServiceHealthcheck', message }),
  })
  const door = options.conntrack?.find((each) => each.family === family)
  const nodeAddresses = (): readonly string[] =>
    options.hostAddresses?.() ?? (latest?.nodeAddress === undefined ? [] : [latest.nodeAddress])
  const reconcileFlows = door === undefined ? undefined : createFlowReconciler({ door, clock, logger, nodeAddresses })
  const afterSync = createAfterSync({ family, clock, metrics, triggers, serviceHealth, reconcileFlows })
  const pending = createNotifier()
  return { family, mode: backend.mode, sync, pending, triggers, afterSync, fullSeconds: 0, suspicious: false }
}

async function readChanges<S, F, T, L>(
  options: RunProxyOptions<S, F, T, L>,
  workers: readonly Worker[],
  { signal, health, metrics }: WorkerContext,
): Promise<void> {
  const known = new Map<string, Service | undefined>()
  let first = true
  for await (const change of options.changes) {
    const { state } = change
    if (first) await waitForNode({ ...options, state, signal })
    if (signal.aborted) return
    if (first) await prepareNode(options, state)
    first = false
    health.nodeSeen(state.node(options.nodeName))
    countChanges(change, known, metrics)
    for (const { family, sync, pending, triggers } of workers) {
      for (const key of change.dirty) {
        const slices = state.slicesOf(key).filter(({ addressType }) => addressType === family)
        triggers.note(key, slices)
      }
      sync.offer(change)
      if (sync.hasWork) {
        health.queued(family)
        metrics.queued(family)
      }
      pending.notify()
    }
  }
}

/** A service is dirty because of itself or because of its slices. */
function countChanges(change: ClusterChange, known: Map<string, Service | undefined>, metrics: ProxyMetrics): void {
  let services = 0
  for (const key of change.dirty) {
    const service = change.state.services.get(key)
    if (known.get(key) !== service) services += 1
    if (service === undefined) known.delete(key)
    else known.set(key, service)
  }
  metrics.changed('service', services)
  metrics.changed('endpoint', change.dirty.size - services)
}

/** Asks every family for a full sync, and says how long one takes. */
function suspect(workers: readonly Worker[]): number {
  for (const worker of workers) {
    worker.suspicious = true
    worker.sync.requestFull()
    worker.pending.notify()
  }
  return Math.max(0, ...workers.map(({ fullSeconds }) => fullSeconds))
}

function planFor<S, F, T, L>(
  options: RunProxyOptions<S, F, T, L>,
  state: ClusterState,
  family: Family,
): { readonly node: NodeFacts; readonly nodePlan: NodePlan } {
  const facts = nodeFactsOf(options.nodeName, state.node(options.nodeName))
  const { nodeAddress } = options.config
  const node = nodeAddress === undefined ? facts : { ...facts, addresses: [nodeAddress, ...facts.addresses] }
  const hostAddresses = options.hostAddresses?.()
  const input = { config: options.config, node, family }
  return { node, nodePlan: planNode(hostAddresses === undefined ? input : { ...input, hostAddresses }) }
}

/** TG-29: packets to 127.0.0.1 are only routed out again with this; the guard in KUBE-FIREWALL comes with it. */
async function prepareNode<S, F, T, L>(options: RunProxyOptions<S, F, T, L>, state: ClusterState): Promise<void> {
  const plans = options.backends.map(({ family }) => planFor(options, state, family).nodePlan)
  if (options.writeSysctls === undefined || !plans.some((plan) => plan.localhostNodePorts)) return
  try {
    await options.writeSysctls([{ path: 'net/ipv4/conf/all/route_localnet', value: '1' }])
  } catch (error) {
    options.logger.warn('node ports will not answer on 127.0.0.1', { message: messageOf(error) })
  }
}

function whenAll(families: readonly Family[], done: (() => void) | undefined): (family: Family) => void {
  const missing = new Set(families)
  return (family) => {
    if (missing.delete(family) && missing.size === 0) done?.()
  }
}
