/** Wakes one waiter; notifications while nobody waits are kept as one. */
export type Notifier = {
  notify(): void
  /** Resolves at once if there was a notification since the last wait, and also when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>
}

export function createNotifier(): Notifier {
  let pending = false
  let wake: (() => void) | undefined
  return {
    notify: () => {
      pending = true
      wake?.()
    },
    wait: async (signal) => {
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        wake = undefined
      }
      pending = false
    },
  }
}
