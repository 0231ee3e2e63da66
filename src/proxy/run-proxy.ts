/**
 * The node loop: changes of the cluster in, rules in the kernel out, per family and independently of each other (IN-33).
 *
 * While one sync runs, what changes meanwhile gathers and becomes the next one. A failed sync is followed by a full one
 * after a growing delay; a full one that the kernel refuses is split until the service it refuses stands alone. Nothing
 * is written before the first change, and on the way out nothing is removed: rules outlive the process (IN-5, OP-12).
 */
import type { ClusterChange, ClusterState } from '#api'
import type { Backend } from '#backends/shared'
import type { NodePlan } from '#dataplane'
import { planNode } from '#dataplane'
import type { Sysctl } from '#kernel'
import type { Clock, Family, Logger } from '#lib'
import { backoffDelay, hasCode, messageOf } from '#lib'
import type { NodeFacts } from '#model'
import { nodeFactsOf } from '#model'
import type { ProxyConfig } from './config.ts'
import type { FamilySync, StepResult } from './family-sync.ts'
import { createFamilySync } from './family-sync.ts'
import type { Notifier } from './notifier.ts'
import { createNotifier } from './notifier.ts'
import type { ProxyHealth } from './proxy-health.ts'
import { createProxyHealth } from './proxy-health.ts'
import type { SyncReceipt } from './receipt.ts'
import { serveHealthz } from './serve-healthz.ts'

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
  /** Called with the port /healthz really listens on. */
  readonly onHealthz?: (port: number) => void
}

const FIRST_RETRY = 200

type Worker = { readonly family: Family; readonly mode: string; readonly sync: FamilySync; readonly pending: Notifier }

type Shared = {
  readonly config: ProxyConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly health: ProxyHealth
  readonly publish: (receipt: SyncReceipt) => void
  readonly onFirstSync: (family: Family) => void
}

/** Runs until the signal aborts; rejects if the changes cannot be read any further. */
export async function runProxy<S, F, T, L>(options: RunProxyOptions<S, F, T, L>): Promise<void> {
  const { backends, clock, config, logger } = options
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  const families = backends.map(({ family }) => family)
  const health = createProxyHealth({ families, clock, timeout: 2000 * config.syncPeriod })
  const workers = backends.map((backend): Worker => {
    const sync = createFamilySync({ backend, logger, planFor: (state) => planFor(options, state, backend.family) })
    return { family: backend.family, mode: backend.mode, sync, pending: createNotifier() }
  })
  const publish = options.publish ?? ((): void => undefined)
  const onFirstSync = whenAll(families, options.onSynced)
  const shared: Shared = { config, clock, logger, signal, health, publish, onFirstSync }
  if (config.healthzBindAddress !== undefined) {
    const { port } = await serveHealthz(config.healthzBindAddress, health, signal)
    options.onHealthz?.(port)
  }
  const loops = workers.map((worker) => runWorker(worker, shared))
  try {
    await readChanges(options, workers, shared)
    await Promise.all(loops)
  } finally {
    ended.abort()
    await Promise.allSettled(loops)
  }
}

async function readChanges<S, F, T, L>(
  options: RunProxyOptions<S, F, T, L>,
  workers: readonly Worker[],
  { signal, health }: Shared,
): Promise<void> {
  let first = true
  for await (const change of options.changes) {
    if (signal.aborted) return
    if (first) await prepareNode(options, change.state)
    first = false
    health.nodeSeen(change.state.node(options.nodeName))
    for (const { family, sync, pending } of workers) {
      sync.offer(change)
      if (sync.hasWork) health.queued(family)
      pending.notify()
    }
  }
}

async function runWorker(worker: Worker, shared: Shared): Promise<void> {
  const { clock, config, signal } = shared
  const { sync, pending } = worker
  let failures = 0
  let cancelFull: (() => void) | undefined
  while (!signal.aborted) {
    if (!sync.hasWork) await pending.wait(signal)
    if (signal.aborted) break
    if (!sync.hasWork) continue
    cancelFull?.()
    failures = (await runStep(worker, shared, failures)) ? 0 : failures + 1
    if (config.fullSyncPeriod > 0) {
      cancelFull = clock.after(config.fullSyncPeriod * 1000, () => {
        sync.requestFull()
        pending.notify()
      })
    }
    const retry = failures === 0 ? 0 : backoffDelay(failures, { base: FIRST_RETRY, max: config.syncPeriod * 1000 })
    await pause(clock, Math.max(retry, config.minSyncPeriod * 1000), signal)
  }
  cancelFull?.()
}

/** True: what was pending is in the kernel, except for services it refuses. */
async function runStep(worker: Worker, shared: Shared, failures: number): Promise<boolean> {
  const { clock, health, logger, publish, signal } = shared
  const { family, mode, sync } = worker
  const started = clock.monotonic()
  const kind = sync.next
  const receipt = (result: StepResult): SyncReceipt => ({
    family,
    mode,
    kind: result.kind,
    services: result.services,
    lines: result.lines,
    bytes: result.bytes,
    seconds: (clock.monotonic() - started) / 1000,
    quarantined: [...sync.quarantined].map(([service, error]) => ({ service, error })),
  })
  try {
    const result = await stepOrIsolate(worker, shared, failures)
    const done = receipt(result)
    health.updated(family)
    shared.onFirstSync(family)
    if (done.lines > 0) {
      logger.info('sync applied', {
        family,
        kind: done.kind,
        services: done.services.length,
        lines: done.lines,
        seconds: done.seconds,
      })
    }
    publish(done)
    return true
  } catch (error) {
    if (signal.aborted) return true
    const code = (error as { code?: unknown } | null)?.code
    const failure = { code: typeof code === 'string' ? code : 'SBX_PROXY_SYNC_FAILED', message: messageOf(error) }
    logger.warn('sync failed, a full one follows', { family, ...failure, failures: failures + 1 })
    publish({
      ...receipt({ kind, services: [], lines: 0, bytes: 0 }),
      error: failure,
    })
    return false
  }
}

/** The second failure in a row was a full sync over what is really there: then some service is to blame, or the machine. */
async function stepOrIsolate(worker: Worker, shared: Shared, failures: number): Promise<StepResult> {
  const { family, sync } = worker
  try {
    return await sync.step(shared.signal)
  } catch (error) {
    if (failures === 0 || isEnvironment(error) || shared.signal.aborted) throw error
    const result = await sync.isolate(shared.signal)
    for (const [service, message] of sync.quarantined) {
      shared.logger.error('the kernel refuses the rules of a service', { service, family, message })
    }
    return result
  }
}

/** Failures that no service can cause. */
function isEnvironment(error: unknown): boolean {
  return (['SBX_IPTABLES_LOCKED', 'SBX_COMMAND_NOT_FOUND', 'SBX_COMMAND_KILLED'] as const).some((code) =>
    hasCode(error, code),
  )
}

function planFor<S, F, T, L>(
  options: RunProxyOptions<S, F, T, L>,
  state: ClusterState,
  family: Family,
): { readonly node: NodeFacts; readonly nodePlan: NodePlan } {
  const node = nodeFactsOf(options.nodeName, state.node(options.nodeName))
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

async function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal.aborted) return
  try {
    await clock.sleep(milliseconds, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
