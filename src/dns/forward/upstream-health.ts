/**
 * Which upstreams are believed to answer. One that did not reply is suspect at once, and asked `. NS` until it replies,
 * whatever it replies (CoreDNS plugin/forward). Suspect ones are tried last, never left out: a wrong belief costs time,
 * not answers.
 */
import type { Clock } from '#lib'
import type { Outcome } from './exchange.ts'
import type { Upstream } from './upstream.ts'

export interface UpstreamHealth {
  isSuspect(upstream: Upstream): boolean
  failed(upstream: Upstream): void
  good(upstream: Upstream): void
}

export type UpstreamHealthOptions = {
  readonly clock: Clock
  readonly intervalMilliseconds: number
  /** One question whose content does not matter. */
  readonly probe: (upstream: Upstream) => Promise<Outcome>
  readonly onProbeFailed: (upstream: Upstream) => void
  readonly signal: AbortSignal
}

export function createUpstreamHealth(options: UpstreamHealthOptions): UpstreamHealth {
  const { clock, signal } = options
  const suspects = new Set<Upstream>()

  const probeLater = (upstream: Upstream): void => {
    const cancel = clock.after(options.intervalMilliseconds, () => {
      signal.removeEventListener('abort', cancel)
      if (!suspects.has(upstream) || signal.aborted) return
      void options.probe(upstream).then((outcome) => {
        if (outcome.kind === 'reply') suspects.delete(upstream)
        else if (!signal.aborted) {
          options.onProbeFailed(upstream)
          probeLater(upstream)
        }
      })
    })
    signal.addEventListener('abort', cancel, { once: true })
  }

  return {
    isSuspect: (upstream) => suspects.has(upstream),
    failed: (upstream) => {
      if (suspects.has(upstream) || signal.aborted) return
      suspects.add(upstream)
      probeLater(upstream)
    },
    good: (upstream) => suspects.delete(upstream),
  }
}
