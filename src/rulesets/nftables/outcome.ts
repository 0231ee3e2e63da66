/** What the evaluator answers, over nftables rules. `rejectedWith` is in the spelling of `reject with …`. */
import type * as shared from '#rulesets/shared'

import type { NftRule } from './ast.ts'

/** A rule that does several things has a step for each. */
export type NftStep = shared.Step<NftRule> & {
  /** Where a set or map decided: which element, and the comment its owner gave it. `set` is empty for a rule's own. */
  readonly element?: { readonly set: string; readonly key: string; readonly comment?: string }
}

export type NftOutcome = shared.Outcome<NftStep> & {
  /** How many sets and maps were asked: each costs about as much as a rule, however many elements it has. */
  readonly lookups: number
}

export type NftRefusal = shared.Refusal<NftRule>
export type NftEvaluation = shared.Evaluation<NftRule, NftOutcome>

export type NftHostFacts = shared.HostFacts & {
  /**
   * Whether a set has learned the key from earlier packets, beside the elements the ruleset lists; not given: no set has
   * learned anything. `key` as printed: `10.0.0.1 . 80`.
   */
  setHas?(table: string, set: string, key: string): boolean
}
