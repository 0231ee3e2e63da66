/**
 * An explanation as data: a question about one packet, and every stage's own answer to it. What is printed for people and
 * what `--json` gives are both made from this, and nothing in it is decided here: endpoints and refusals come from
 * `model`, the path and its probabilities from the evaluator over the rules that are really there.
 */
import type { Protocol } from '#api'
import type { Family } from '#lib'
import type { DiscardedEndpoint, IgnoredSlice, Problem, RefusalReason, SkipReason, TopologyMode } from '#model'

export type Address = { readonly address: string; readonly port: number }

export type Question = {
  readonly family: Family
  readonly protocol: Protocol
  readonly source: {
    readonly kind: 'pod' | 'node' | 'outside' | 'address'
    readonly name?: string
    readonly address: string
  }
  readonly destination: Address
  /** Whose rules were asked. */
  readonly node: string
  /** Where the rules came from. */
  readonly rules: 'live' | 'dump' | 'rendered'
}

export type NameAnswer = {
  /** As it was asked for. */
  readonly name: string
  readonly addresses: readonly string[]
}

/** Which Service port the destination belongs to, and by which of its addresses. */
export type Frontend = {
  readonly service: string
  readonly portName: string
  readonly printedName: string
  readonly protocol: Protocol
  readonly kind: 'clusterIP' | 'nodePort' | 'externalIP' | 'loadBalancerIP'
  readonly servicePort: number
  readonly topology: TopologyMode
}

export type ChosenEndpoint = Address & {
  readonly pod?: string
  readonly node?: string
  /** Exact, as a fraction: `1/3`; `0` for an endpoint that the model chose and no rule leads to. */
  readonly probability: string
}

export type RefusedEndpoint = Address & {
  readonly pod?: string
  readonly node?: string
  readonly reason: RefusalReason
  /** The same in words. */
  readonly text: string
}

export type PathStep = {
  readonly hook: string
  readonly table: string
  readonly chain: string
  /** 1-based place in the chain, as `iptables -L --line-numbers` counts; absent for a policy. */
  readonly position?: number
  /** As iptables-save (without `-A CHAIN`) or `nft list` prints it; absent for a policy. */
  readonly rule?: string
  /** Where a set or map decided: which of its elements, with the comment of who put it there. */
  readonly element?: { readonly set: string; readonly key: string; readonly comment?: string }
  /** What it did, in words. */
  readonly effect: string
  /** Present where chance decided here: the exact probability that this rule took the packet. */
  readonly chance?: string
}

export type Path = {
  readonly probability: string
  readonly verdict: 'accepted' | 'dropped' | 'rejected'
  readonly rejectedWith?: string
  /** Final destination. */
  readonly to: Address & { readonly pod?: string }
  /** Present if the source was rewritten: what the endpoint sees. */
  readonly seenFrom?: string
  readonly rulesConsidered: number
  readonly steps: readonly PathStep[]
}

export type Explanation = {
  readonly question: Question
  readonly name?: NameAnswer
  /** Absent: no Service has that address and port; the packet is explained all the same. */
  readonly frontend?: Frontend
  readonly skipped?: SkipReason
  readonly endpoints: readonly ChosenEndpoint[]
  readonly refused: readonly RefusedEndpoint[]
  readonly discarded: readonly DiscardedEndpoint[]
  readonly ignoredSlices: readonly IgnoredSlice[]
  readonly problems: readonly Problem[]
  readonly paths: readonly Path[]
  /** A rule that the evaluator cannot decide: then the paths are not all there are. */
  readonly undecided?: string
  /** Addresses the rules lead to that the model did not choose: the kernel and the API disagree. */
  readonly unexpected: readonly Address[]
}
