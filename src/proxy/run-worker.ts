/**
 * One family's loop: waits for changes, syncs, retries. While one sync runs, what changes meanwhile gathers and becomes
 * the next one (OP-23). A failed sync is followed by a full one after a growing delay (OP-25); a full one that the kernel
 * refuses is split until the service it refuses stands alone.
 */
import type { Clock, Family, Logger } from '#lib'
import { backoffDelay, messageOf } from '#lib'
import type { AfterSync } from './after-sync.ts'
import type { ProxyConfig } from './config.ts'
import type { FamilySync, StepResult } from './family-sync.ts'
import { isEnvironment } from './is-environment.ts'
import type { Notifier } from './notifier.ts'
import type { ProxyHealth } from './proxy-health.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { SyncReceipt } from './receipt.ts'
import type { TriggerTimes } from './trigger-times.ts'

export type Worker = {
  readonly family: Family
  readonly mode: string
  readonly sync: FamilySync
  readonly pending: Notifier
  readonly triggers: TriggerTimes
  readonly afterSync: AfterSync
  /** Seconds the last full sync took. */
  fullSeconds: number
  /** Somebody else is suspected of having changed rules; the next full sync tells. */
  suspicious: boolean
}

export type WorkerContext = {
  readonly config: ProxyConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly health: ProxyHealth
  readonly metrics: ProxyMetrics
  readonly publish: (receipt: SyncReceipt) => void
  readonly onFirstSync: (family: Family) => void
}

const FIRST_RETRY = 200

export async function runWorker(worker: Worker, context: WorkerContext): Promise<void> {
  const { clock, config, signal } = context
  const { sync, pending } = worker
  let failures = 0
  let cancelFull: (() => void) | undefined
  while (!signal.aborted) {
    if (!sync.hasWork) await pending.wait(signal)
    if (signal.aborted) break
    if (!sync.hasWork) continue
    cancelFull?.()
    failures = (await runStep(worker, context, failures)) ? 0 : failures + 1
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
async function runStep(worker: Worker, context: WorkerContext, failures: number): Promise<boolean> {
  const { clock, health, logger, metrics, signal } = context
  const { family, mode, sync } = worker
  const started = clock.monotonic()
  const kind = sync.next
  const publish = (result: Omit<StepResult, 'facts'>, error?: SyncReceipt['error']): SyncReceipt => {
    const receipt: SyncReceipt = {
      family,
      mode,
      kind: result.kind,
      services: result.services,
      lines: result.lines,
      bytes: result.bytes,
      seconds: (clock.monotonic() - started) / 1000,
      quarantined: [...sync.quarantined].map(([service, message]) => ({ service, error: message })),
      ...(error === undefined ? {} : { error }),
    }
    metrics.synced(receipt)
    context.publish(receipt)
    return receipt
  }
  try {
    const result = await stepOrIsolate(worker, context, failures)
    health.updated(family)
    context.onFirstSync(family)
    await worker.afterSync(result, sync)
    const done = publish(result)
    if (done.kind === 'full') noteFull(worker, context, done)
    if (done.lines > 0) {
      const { lines, seconds } = done
      logger.info('sync applied', { family, kind: done.kind, services: done.services.length, lines, seconds })
    }
    return true
  } catch (error) {
    if (signal.aborted) return true
    const code = (error as { code?: unknown } | null)?.code
    const failure = { code: typeof code === 'string' ? code : 'SBX_PROXY_SYNC_FAILED', message: messageOf(error) }
    logger.warn('sync failed, a full one follows', { family, ...failure, failures: failures + 1 })
    publish({ kind, services: [], lines: 0, bytes: 0 }, failure)
    return false
  }
}

function noteFull(worker: Worker, { logger, metrics }: WorkerContext, { family, lines, seconds }: SyncReceipt): void {
  worker.fullSeconds = seconds
  if (worker.suspicious && lines > 0) {
    metrics.repaired(family)
    logger.warn('rules changed by another program are put right', { family, lines })
  }
  worker.suspicious = false
}

/** The second failure in a row was a full sync over what is really there: then some service is to blame, or the machine. */
async function stepOrIsolate(worker: Worker, context: WorkerContext, failures: number): Promise<StepResult> {
  const { family, sync } = worker
  try {
    return await sync.step(context.signal)
  } catch (error) {
    if (failures === 0 || isEnvironment(error) || context.signal.aborted) throw error
    const result = await sync.isolate(context.signal)
    for (const [service, message] of sync.quarantined) {
      context.logger.error('the kernel refuses the rules of a service', { service, family, message })
    }
    return result
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
