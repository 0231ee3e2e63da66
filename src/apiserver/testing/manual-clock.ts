/** A clock that moves when the test says so. */
import type { Clock } from '#lib'

export type ManualClock = Clock & { advance(milliseconds: number): void }

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0
  let timers: { readonly at: number; readonly task: () => void }[] = []
  const clock: ManualClock = {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after: (milliseconds, task) => {
      const timer = { at: elapsed + milliseconds, task }
      timers.push(timer)
      return () => void (timers = timers.filter((other) => other !== timer))
    },
    sleep: (milliseconds) => new Promise((resolve) => void clock.after(milliseconds, resolve)),
    advance: (milliseconds) => {
      const end = elapsed + milliseconds
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        timers = timers.filter((other) => other !== next)
        elapsed = Math.max(elapsed, next.at)
        next.task()
      }
      elapsed = end
    },
  }
  return clock
}
