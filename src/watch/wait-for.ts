/** Waiting for a condition on what an informer sees, for commands and tests that must not go on before it holds. */
import type { KubeObject, ObjectKey } from '#api'
import type { Clock } from '#lib'
import { SignalboxError } from '#lib'
import type { Informer } from './informer-types.ts'

export type WaitOptions = {
  readonly signal?: AbortSignal
  /** Milliseconds; needs `clock`. Then SBX_WATCH_TIMEOUT is thrown, naming `what`. */
  readonly timeout?: number
  readonly clock?: Clock
  /** What is waited for, for the message. */
  readonly what?: string
}

/** Resolves with the first value other than undefined that `condition` returns, asked once synced and after each change. */
export async function waitFor<T extends KubeObject, R>(
  informer: Informer<T>,
  condition: (items: ReadonlyMap<ObjectKey, T>) => R | undefined,
  options: WaitOptions = {},
): Promise<R> {
  const { promise, resolve, reject } = Promise.withResolvers<R>()
  const check = (): void => {
    if (!informer.hasSynced) return
    try {
      const value = condition(informer.items)
      if (value !== undefined) resolve(value)
    } catch (error) {
      reject(error)
    }
  }
  const stop = (): void => reject(options.signal?.reason)
  const unsubscribe = informer.onChange(check)
  const cancel =
    options.timeout === undefined
      ? undefined
      : options.clock?.after(options.timeout, () =>
          reject(new SignalboxError('SBX_WATCH_TIMEOUT', `${options.what ?? 'condition'} did not come true in time`)),
        )
  options.signal?.addEventListener('abort', stop, { once: true })
  if (options.signal?.aborted === true) stop()
  informer.synced.then(check, reject)
  try {
    return await promise
  } finally {
    unsubscribe()
    cancel?.()
    options.signal?.removeEventListener('abort', stop)
  }
}
