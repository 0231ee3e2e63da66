/**
 * What an evaluator answers: every way the packet can go, how likely it is, and each rule that had a say. `Rule` is the
 * rule type of the language in question.
 */
import type { Fraction } from '#lib'

import type { Packet } from './packet.ts'

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

export type Endpoint = { readonly address: string; readonly port: number }

/** What a rule that matched did. */
export type Effect =
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'return' | 'accept' | 'drop' }
  /** Nothing but counting or logging; the next rule is looked at. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'mark'; readonly before: number; readonly after: number }
  | { readonly kind: 'dnat' | 'snat' | 'masquerade' | 'redirect'; readonly from: Endpoint; readonly to: Endpoint }
  /** No rule of the built-in chain decided. */
  | { readonly kind: 'policy'; readonly policy: 'ACCEPT' | 'DROP' }

export type Step<Rule> = {
  readonly hook: Hook
  readonly table: string
  readonly chain: string
  /** Zero-based place in the chain; absent for a policy. */
  readonly index?: number
  /** Absent for a policy. */
  readonly rule?: Rule
  readonly effect: Effect
  /** Present where chance decided: how likely it was that a packet that had come this far went this way. */
  readonly chance?: Fraction
}

export type Outcome<Step> = {
  /** Of this outcome among all; exact. */
  readonly probability: Fraction
  readonly verdict: 'accepted' | 'dropped' | 'rejected'
  /** For `rejected`: what the sender gets, in the spelling of the language. */
  readonly rejectedWith?: string
  /** Where an accepted packet went: off this host, or to a process of it. */
  readonly delivered: 'forward' | 'local' | undefined
  /** For `delivered: 'forward'`: the interface it leaves by. */
  readonly outInterface?: string
  /** Present where no rule but the routing table turned the packet away. */
  readonly noRoute?: true
  /** As it leaves or is delivered, translations and mark included. */
  readonly packet: Packet
  /**
   * What the packet's addresses were changed to, where they were. Which port a translated source gets is up to the kernel
   * (it is free to choose, and does with fully random ports): the original one stands here.
   */
  readonly translated: { readonly destination?: Endpoint; readonly source?: Endpoint }
  /** The rules that matched, and the policies that applied, in order. */
  readonly steps: readonly Step[]
  /** How many rules the packet was compared with: the cost of the flow's first packet. */
  readonly rulesConsidered: number
}

/** Why the evaluator does not say what happens: it met a rule it cannot decide, and guessing is not an answer. */
export type Refusal<Rule> = {
  readonly reason: string
  readonly table?: string
  readonly chain?: string
  readonly index?: number
  readonly rule?: Rule
}

export type Evaluation<Rule, Outcome> = {
  /** In the order of the rules that lead to them. Their probabilities add up to 1 unless `refused`. */
  readonly outcomes: readonly Outcome[]
  /** The first undecidable rule met; outcomes that avoid it are still listed. */
  readonly refused?: Refusal<Rule>
  /** The most rules any one outcome looked at. */
  readonly rulesConsidered: number
}
