/**
 * Lists UDP flows after a sync that touched UDP services, and deletes the stale ones. The first sync of a process counts
 * as one that touched all of them, so a restart leaves no flow behind (UP-3). Failures are logged and tried again with the
 * next sync (CT-2): rules are right all the same.
 */
import type { ConntrackDoor } from '#kernel'
import type { Clock, Logger } from '#lib'
import { messageOf } from '#lib'
import type { FactsChange, ServiceFacts } from './service-facts.ts'
import { expectedFlows, staleFlows } from './stale-flows.ts'

export type FlowsReceipt = { readonly listed: number; readonly removed: number; readonly seconds: number }

export type FlowReconciler = (
  changes: readonly FactsChange[],
  served: ReadonlyMap<string, ServiceFacts>,
) => Promise<FlowsReceipt | undefined>

export type FlowReconcilerOptions = {
  readonly door: ConntrackDoor
  readonly clock: Clock
  readonly logger: Logger
  readonly nodeAddresses: () => readonly string[]
}

export function createFlowReconciler(options: FlowReconcilerOptions): FlowReconciler {
  const { door, clock, logger } = options
  let owed: readonly FactsChange[] = []
  return async (changes, served) => {
    const due = [...owed, ...changes.filter(({ before, after }) => (before?.udp ?? after?.udp) !== undefined)]
    const expected = expectedFlows(due, function* () {
      for (const { udp } of served.values()) if (udp !== undefined) yield* udp
    })
    if (expected === undefined) return undefined
    const started = clock.monotonic()
    try {
      const { flows, complete } = await door.udpFlows()
      const addresses = new Set(options.nodeAddresses())
      const isNode = (address: string): boolean => addresses.has(address) || address.startsWith('127.')
      const stale = staleFlows(flows, expected, isNode)
      const { removed, failed } = stale.length === 0 ? { removed: 0, failed: 0 } : await door.remove(stale)
      owed = []
      const seconds = (clock.monotonic() - started) / 1000
      if (!complete || failed > 0)
        logger.warn('some flows were not looked at', { family: door.family, complete, failed })
      if (removed > 0) logger.info('stale flows removed', { family: door.family, removed, seconds })
      return { listed: flows.length, removed, seconds }
    } catch (error) {
      owed = due
      logger.warn('stale flows may remain', { family: door.family, message: messageOf(error) })
      return undefined
    }
  }
}
