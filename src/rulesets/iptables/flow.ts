/** A packet on its way through the tables: one branch of the evaluation. */
import { startBaseFlow, type BaseFlow } from '#rulesets/shared'

import type { Hook, Step } from './outcome.ts'
import type { HostFacts, Packet } from './packet.ts'

export { destinationOf, sourceOf, stepsOf, withDestination, withMark, withSource, withStep } from '#rulesets/shared'

export type Flow = BaseFlow<Step> & {
  /** `recent` entries this packet itself has made or removed (`undefined`), by list and address. */
  readonly remembered: ReadonlyMap<string, number | undefined>
}

/** Where a table is consulted. */
export type Place = {
  readonly hook: Hook
  readonly table: string
  /** `raw` runs ahead of conntrack, except for a packet that comes back over loopback with its state attached. */
  readonly conntrackSeen: boolean
}

export type Context = { readonly host: HostFacts }

/** `undefined` if an address of the packet is none. */
export function startFlow(packet: Packet): Flow | undefined {
  const flow = startBaseFlow<Step>(packet)
  return flow === undefined ? undefined : { ...flow, remembered: new Map() }
}
