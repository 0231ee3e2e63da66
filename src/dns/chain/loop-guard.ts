/**
 * Notices upstreams that lead back to this server: a name nobody can guess is asked of them once, and must never be asked
 * of us (CoreDNS plugin/loop). The name comes from the system's generator and counts only while the probe runs:
 * CVE-2026-26018 was a name that could be predicted.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '#lib'
import type { Forwarder } from '../forward/index.ts'
import type { Step } from '../resolve.ts'
import { failure } from '../resolve.ts'
import type { Name } from '../wire/index.ts'
import { CLASS, lowerName, prefixName, RCODE, TYPE } from '../wire/index.ts'

export type LoopGuard = {
  readonly step: Step
  /** Asks once, and watches for a while. */
  start(): void
}

export type LoopGuardOptions = {
  readonly zone: Name
  /** Without a cache: every question has to travel. */
  readonly forwarder: Forwarder
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onLoop: () => void
}

const WATCH_MILLISECONDS = 30_000
/** A reply came: what is still under way has this long to come back. */
const AFTER_REPLY_MILLISECONDS = 2000

export function createLoopGuard(options: LoopGuardOptions): LoopGuard {
  const { clock, signal } = options
  const label = (): string => randomBytes(16).toString('hex')
  const probe = prefixName([label(), label()], options.zone)
  let watching = false
  const stop = (): void => {
    watching = false
  }
  return {
    step: ({ question }) => {
      if (!watching || question.type !== TYPE.HINFO || lowerName(question.name) !== probe) return undefined
      watching = false
      options.onLoop()
      return failure(RCODE.REFUSED, false)
    },
    start: () => {
      if (signal.aborted) return
      watching = true
      const cancel = clock.after(WATCH_MILLISECONDS, stop)
      signal.addEventListener('abort', cancel, { once: true })
      const question = { name: probe, type: TYPE.HINFO, class: CLASS.IN }
      const flags = { recursionDesired: true, authenticData: false, checkingDisabled: false, edns: undefined }
      void Promise.resolve(options.forwarder.forward({ question, ...flags }, 'loop')).then(({ kind }) => {
        if (kind === 'reply') clock.after(AFTER_REPLY_MILLISECONDS, stop)
      })
    },
  }
}
