/** A packet on its way through the base chains: one branch of the evaluation. */
import { startBaseFlow, type BaseFlow, type Hook, type Packet } from '#rulesets/shared'

import type { NftChain, NftHook, NftTable } from './ast.ts'
import type { NftHostFacts, NftStep } from './outcome.ts'

export type Flow = BaseFlow<NftStep> & {
  readonly ctMark: number
  /** What this packet itself has put into sets (`true`) or taken out, by table, set and key. */
  readonly learned: ReadonlyMap<string, boolean>
  readonly lookups: number
}

/** Where a base chain is asked. */
export type Place = {
  readonly hook: NftHook
  readonly table: NftTable
  readonly base: NftChain
  /** Chains before priority -200 run ahead of conntrack, except for a packet that comes back over loopback. */
  readonly conntrackSeen: boolean
}

export type Scene = { readonly flow: Flow; readonly place: Place; readonly host: NftHostFacts }

export const HOOK_NAMES: Readonly<Record<NftHook, Hook>> = {
  prerouting: 'PREROUTING',
  input: 'INPUT',
  forward: 'FORWARD',
  output: 'OUTPUT',
  postrouting: 'POSTROUTING',
}

/** `undefined` if an address of the packet is none. */
export function startFlow(packet: Packet): Flow | undefined {
  const flow = startBaseFlow<NftStep>(packet)
  return flow === undefined ? undefined : { ...flow, ctMark: 0, learned: new Map(), lookups: 0 }
}
