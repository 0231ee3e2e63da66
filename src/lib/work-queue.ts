/**
 * A de-duplicating queue of keys with retry, in the manner of client-go's workqueue: a key that is added while it
 * is being worked on runs once more afterwards, a key that fails comes back after a growing delay, and no key is ever
 * worked on twice at a time.
 */
import type { BackoffOptions } from './backoff.ts'
import { backoffDelay } from './backoff.ts'
import type { Clock } from './clock.ts'

export type WorkQueueOptions = {
  readonly clock: Clock
  /** Does the work of one key; a rejection means "try again later". */
  readonly work: (key: string) => Promise<void>
  readonly onError: (key: string, error: unknown, failures: number) => void
  /** Keys worked on at the same time; 1 if not given. */
  readonly parallel?: number
  readonly backoff?: BackoffOptions
  readonly signal: AbortSignal
}

export interface WorkQueue {
  add(key: string): void
  addAfter(key: string, milliseconds: number): void
  /** Resolves when nothing is queued or being worked on (delayed retries do not count). */
  idle(): Promise<void>
  readonly length: number
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, signal } = options
  const parallel = options.parallel ?? 1
  const backoff = options.backoff ?? { base: 50, max: 30_000 }
  const waiting = new Set<string>()
  const working = new Set<string>()
  const again = new Set<string>()
  const failures = new Map<string, number>()
  const delayed = new Map<string, () => void>()
  let idleWaiters: (() => void)[] = []

  const add = (key: string): void => {
    if (signal.aborted) return
    delayed.get(key)?.()
    delayed.delete(key)
    if (working.has(key)) again.add(key)
    else waiting.add(key)
    pump()
  }

  const addAfter = (key: string, milliseconds: number): void => {
    if (signal.aborted || waiting.has(key) || delayed.has(key)) return
    delayed.set(
      key,
      clock.after(milliseconds, () => add(key)),
    )
  }

  const pump = (): void => {
    for (const key of waiting) {
      if (working.size >= parallel) return
      waiting.delete(key)
      working.add(key)
      void run(key)
    }
  }

  const run = async (key: string): Promise<void> => {
    try {
      await options.work(key)
      failures.delete(key)
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      if (!signal.aborted) {
        options.onError(key, error, count)
        addAfter(key, backoffDelay(count, backoff))
      }
    }
    working.delete(key)
    if (again.delete(key)) add(key)
    pump()
    if (waiting.size === 0 && working.size === 0) {
      for (const wake of idleWaiters) wake()
      idleWaiters = []
    }
  }

  signal.addEventListener(
    'abort',
    () => {
      waiting.clear()
      again.clear()
      for (const cancel of delayed.values()) cancel()
      delayed.clear()
    },
    { once: true },
  )

  return {
    add,
    addAfter,
    idle: () =>
      waiting.size === 0 && working.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => idleWaiters.push(resolve)),
    get length() {
      return waiting.size + working.size
    },
  }
}
