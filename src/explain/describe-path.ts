/** One outcome of the evaluator, rule by rule, in words that people who know the kernel's rules would use. */
import { formatFraction, joinHostPort } from '#lib'
import type { Effect } from '#rulesets/iptables'

import type { PrintedOutcome, PrintedStep } from './evaluate-rules.ts'
import type { Path, PathStep } from './explanation.ts'

/** `pods` names endpoints by `ip:port`. */
export function describePath(outcome: PrintedOutcome, pods: ReadonlyMap<string, string>): Path {
  const { destination, destinationPort } = outcome.packet
  const pod = pods.get(joinHostPort(destination, destinationPort))
  const source = outcome.translated.source
  return {
    probability: formatFraction(outcome.probability),
    verdict: outcome.verdict,
    ...(outcome.rejectedWith === undefined ? {} : { rejectedWith: outcome.rejectedWith }),
    to: { address: destination, port: destinationPort, ...(pod === undefined ? {} : { pod }) },
    ...(source === undefined ? {} : { seenFrom: source.address }),
    rulesConsidered: outcome.rulesConsidered,
    steps: outcome.steps.map(describeStep),
  }
}

function describeStep(step: PrintedStep): PathStep {
  return {
    hook: step.hook,
    table: step.table,
    chain: step.chain,
    ...(step.index === undefined ? {} : { position: step.index + 1 }),
    ...(step.rule === undefined ? {} : { rule: step.rule }),
    ...(step.element === undefined ? {} : { element: step.element }),
    effect: describeEffect(step.effect),
    ...(step.chance === undefined ? {} : { chance: formatFraction(step.chance) }),
  }
}

function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'jump':
      return `jump to ${effect.chain}`
    case 'goto':
      return `go to ${effect.chain}`
    case 'return':
      return 'return to the calling chain'
    case 'accept':
      return 'accept'
    case 'drop':
      return 'drop'
    case 'continue':
      return 'count and go on'
    case 'reject':
      return `reject with ${effect.with}`
    case 'mark':
      return `mark ${hex(effect.before)} becomes ${hex(effect.after)}`
    case 'dnat':
    case 'redirect':
      return `destination becomes ${joinHostPort(effect.to.address, effect.to.port)}`
    case 'snat':
    case 'masquerade':
      return `source becomes ${effect.to.address}`
    case 'policy':
      return `policy ${effect.policy}`
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}
