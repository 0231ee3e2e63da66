/** A table of flows without a kernel: what a test put in, less what was removed. */
import type { Family, SignalboxError } from '#lib'
import type { ConntrackDoor, Flow } from '../flow.ts'

export type FakeConntrack = ConntrackDoor & {
  readonly flows: () => readonly Flow[]
  readonly add: (...flows: readonly Flow[]) => void
  /** How often the table was listed. */
  readonly listings: () => number
  /** The next listing is interrupted after so many flows. */
  readonly interruptNext: (after: number) => void
  readonly failNext: (error: SignalboxError) => void
}

export function createFakeConntrack(family: Family): FakeConntrack {
  let held: readonly Flow[] = []
  let listings = 0
  let interruptAfter: number | undefined
  let fault: SignalboxError | undefined
  return {
    family,
    via: 'netlink',
    udpFlows: () => {
      listings += 1
      const error = fault
      fault = undefined
      if (error !== undefined) return Promise.reject(error)
      const flows = interruptAfter === undefined ? held : held.slice(0, interruptAfter)
      const complete = interruptAfter === undefined
      interruptAfter = undefined
      return Promise.resolve({ flows, complete })
    },
    remove: (flows) => {
      const before = held.length
      held = held.filter((flow) => !flows.includes(flow))
      return Promise.resolve({ removed: before - held.length, failed: 0 })
    },
    close: () => undefined,
    flows: () => held,
    add: (...flows) => void (held = [...held, ...flows]),
    listings: () => listings,
    interruptNext: (after) => void (interruptAfter = after),
    failNext: (error) => void (fault = error),
  }
}
