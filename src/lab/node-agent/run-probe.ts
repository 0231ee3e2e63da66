/**
 * The rhythm and the thresholds of a probe (pkg/kubelet/prober/worker.go): first try after initialDelaySeconds, then every
 * periodSeconds; the outcome changes after so many equal results in a row.
 */
import type { Probe } from '#api'
import type { Clock } from '#lib'

import type { ProbeResult } from './probe-actions.ts'

export type RunProbeOptions = {
  readonly probe: Probe
  readonly attempt: () => Promise<ProbeResult>
  /** Called whenever a threshold is reached, again for each further result beyond it. */
  readonly onOutcome: (result: ProbeResult) => void
  /** Each single failure, before any threshold. */
  readonly onFailure?: (message: string) => void
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Resolves when aborted. */
export async function runProbe(options: RunProbeOptions): Promise<void> {
  const { probe, clock, signal } = options
  const period = Math.max(1, probe.periodSeconds ?? 10) * 1000
  let row = { success: false, count: 0 }
  try {
    await clock.sleep((probe.initialDelaySeconds ?? 0) * 1000, signal)
    while (!signal.aborted) {
      const started = clock.monotonic()
      const result = await options.attempt()
      if (signal.aborted) return
      row = { success: result.success, count: row.success === result.success ? row.count + 1 : 1 }
      if (!result.success) options.onFailure?.(result.message)
      const threshold = result.success ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
      if (row.count >= threshold) options.onOutcome(result)
      await clock.sleep(Math.max(0, period - (clock.monotonic() - started)), signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
