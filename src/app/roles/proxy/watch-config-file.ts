/**
 * Ends a proxy whose configuration file changed, so that its supervisor starts it with the new one (OP-4). Looks at the
 * content, and so sees a ConfigMap volume being swapped, and does not see a touch.
 */
import { readFile } from 'node:fs/promises'

import type { Clock } from '#lib'
import { SignalboxError } from '#lib'

const INTERVAL = 2000

/** Returns when the signal aborts. @throws SBX_PROXY_CONFIG_CHANGED */
export async function watchConfigFile(path: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const before = await readOrNothing(path)
  while (!signal.aborted) {
    try {
      await clock.sleep(INTERVAL, signal)
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    const now = await readOrNothing(path)
    if (now !== undefined && now !== before) {
      throw new SignalboxError(
        'SBX_PROXY_CONFIG_CHANGED',
        `${path} has changed: start again with the new configuration`,
      )
    }
  }
}

/** A file that is being replaced is not there for a moment. */
async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
