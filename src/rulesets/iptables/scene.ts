/** What a condition is held against, and what it can say. */
import type { Context, Flow, Place } from './flow.ts'

export type Scene = { readonly flow: Flow; readonly place: Place; readonly context: Context }

/** A text is why it cannot be told. */
export type Answer = boolean | string

/** SNAT and DNAT are states of their own: true once the flow has been translated (xt_conntrack). */
export function hasState(states: readonly string[], { flow, place }: Scene): boolean {
  if (!place.conntrackSeen) return states.includes(flow.packet.ctstate === 'UNTRACKED' ? 'UNTRACKED' : 'INVALID')
  return states.some(
    (state) =>
      state === flow.packet.ctstate ||
      (state === 'DNAT' && flow.translated.destination !== undefined) ||
      (state === 'SNAT' && flow.translated.source !== undefined),
  )
}
