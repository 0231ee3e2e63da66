/**
 * The three probes of one run of a container. Until the startup probe has succeeded the other two wait; without a readiness
 * probe a started container is ready. During termination only readiness goes on, so that a draining pod keeps serving until
 * it says otherwise (KEP-1669; kubelet stops liveness and startup probes then).
 */
import type { Container, Probe } from '#api'
import type { Clock } from '#lib'

import type { ProbeTarget } from './probe-actions.ts'
import { tryProbe } from './probe-actions.ts'
import { runProbe } from './run-probe.ts'

export type ContainerProbesOptions = {
  readonly container: Container
  readonly address: string
  readonly exec: ProbeTarget['exec']
  readonly onStarted: () => void
  readonly onReady: (ready: boolean) => void
  /** The container is to be killed; with the probe's own grace period in milliseconds, if it has one. */
  readonly onUnhealthy: (grace: number | undefined) => void
  readonly onEvent: (message: string) => void
  readonly clock: Clock
  /** Ends all. */
  readonly signal: AbortSignal
  /** The pod is terminating. */
  readonly stopping: AbortSignal
}

export function startProbes(options: ContainerProbesOptions): void {
  const { container, onReady, signal, stopping } = options
  const vital = AbortSignal.any([signal, stopping])
  const started = (): void => {
    options.onStarted()
    if (container.readinessProbe === undefined) onReady(true)
    else start('Readiness', container.readinessProbe, { signal, onOutcome: ({ success }) => onReady(success) })
    if (container.livenessProbe !== undefined) startDeadly('Liveness', container.livenessProbe)
  }
  const start = (kind: string, probe: Probe, how: Parts): void => {
    void runProbe({
      probe,
      attempt: () => tryProbe(probe, options),
      onFailure: (message) => options.onEvent(`${kind} probe failed: ${message}`),
      clock: options.clock,
      ...how,
    })
  }
  const startDeadly = (kind: string, probe: Probe, onSuccess?: () => void): void => {
    const end = new AbortController()
    start(kind, probe, {
      signal: AbortSignal.any([vital, end.signal]),
      onOutcome: ({ success }) => {
        if (success && onSuccess === undefined) return
        end.abort(new Error('the probe has done its work'))
        const grace = probe.terminationGracePeriodSeconds
        if (success) onSuccess?.()
        else options.onUnhealthy(grace === undefined ? undefined : grace * 1000)
      },
    })
  }
  if (container.startupProbe === undefined) started()
  else startDeadly('Startup', container.startupProbe, started)
}

type Parts = Pick<Parameters<typeof runProbe>[0], 'signal' | 'onOutcome'>
