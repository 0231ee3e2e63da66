/**
 * The loop of every controller: keys in, one attempt at a time per key, failures retried with growing delay and said in
 * the log once they are more than a lost race. One key's failure never holds up another.
 */
import type { WorkQueue } from '#lib'
import { createWorkQueue, hasCode, messageOf } from '#lib'
import type { ControllerContext } from './shared-informers.ts'

const BACKOFF = { base: 100, max: 60_000 }

export type QueueOptions = {
  /** For the log. */
  readonly controller: string
  readonly parallel?: number
  readonly sync: (key: string) => Promise<void>
}

export function createControllerQueue(context: ControllerContext, options: QueueOptions): WorkQueue {
  const { clock, logger, signal } = context
  return createWorkQueue({
    clock,
    signal,
    parallel: options.parallel ?? 5,
    backoff: BACKOFF,
    work: async (key) => {
      await context.ready
      await options.sync(key)
    },
    onError: (key, error, failures) => {
      const fields = { controller: options.controller, object: key, error: messageOf(error), failures }
      if (isLostRace(error) || isNamespaceGoing(error)) logger.debug('sync will be retried', fields)
      else logger.warn('sync failed', fields)
    },
  })
}

/** Somebody else, or this controller before its informer has caught up, was first. */
function isLostRace(error: unknown): boolean {
  return hasCode(error, 'SBX_API_CONFLICT') || hasCode(error, 'SBX_API_ALREADY_EXISTS')
}

/** Nothing can be created in a namespace that is being deleted; whoever wanted to is about to vanish too. */
export function isNamespaceGoing(error: unknown): boolean {
  return hasCode(error, 'SBX_API_FORBIDDEN') && messageOf(error).includes('being terminated')
}

/** Runs a delete for which "gone already" is as good. */
export async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!hasCode(error, 'SBX_API_NOT_FOUND')) throw error
  }
}
