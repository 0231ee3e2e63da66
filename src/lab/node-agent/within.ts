import type { Clock } from '#lib'

/** Whether `promise` settled within the time. The timer does not keep the process alive and is gone afterwards. */
export async function within(clock: Clock, milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const cancel = clock.after(milliseconds, () => resolve(false))
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    cancel()
  }
}
