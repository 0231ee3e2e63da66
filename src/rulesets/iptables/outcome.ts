/**
 * What the evaluator answers, over iptables rules. `rejectedWith` is in the spelling of `--reject-with`; a `random` match
 * in a step's rule has the number as the kernel printed it.
 */
import type * as shared from '#rulesets/shared'

import type { Rule } from './ast.ts'

export type { Effect, Endpoint, Hook } from '#rulesets/shared'
export type Step = shared.Step<Rule>
export type Outcome = shared.Outcome<Step>
export type Refusal = shared.Refusal<Rule>
export type Evaluation = shared.Evaluation<Rule, Outcome>
