/**
 * Looks twice a second whether somebody else has changed rules (CC-101..CC-104), and asks for a full sync if so. Costs a few
 * microseconds a look; what follows a find is paid for by its cost: no new one before five times as long as the last full
 * sync took, so that a busy neighbour cannot keep the proxy reading its tables.
 */
import type { RulesetWatch } from '#kernel'
import type { Clock, Logger } from '#lib'
import { messageOf } from '#lib'

export type WatchRulesOptions = {
  readonly watch: RulesetWatch
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Asks for the full sync, and says how many seconds the last one took. */
  readonly onForeign: () => number
}

const INTERVAL = 500
const PATIENCE = 5

export async function watchRules({ watch, clock, logger, signal, onForeign }: WatchRulesOptions): Promise<void> {
  let notBefore = 0
  let owed = false
  let failed = false
  while (!signal.aborted) {
    try {
      owed = (await watch.foreign()) || owed
      failed = false
    } catch (error) {
      if (!failed) logger.warn('rules cannot be watched', { message: messageOf(error) })
      failed = true
    }
    if (owed && clock.monotonic() >= notBefore) {
      owed = false
      notBefore = clock.monotonic() + onForeign() * 1000 * PATIENCE
    }
    try {
      await clock.sleep(INTERVAL, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
