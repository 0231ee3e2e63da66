/** One packet through rules of whichever language, answered with each rule as its tool prints it. */
import type { HostFacts, Packet, Ruleset } from '#rulesets/iptables'
import * as iptables from '#rulesets/iptables'
import type { NftRuleset } from '#rulesets/nftables'
import * as nftables from '#rulesets/nftables'
import type * as shared from '#rulesets/shared'

export type Rules =
  | { readonly language: 'iptables'; readonly ruleset: Ruleset }
  | { readonly language: 'nftables'; readonly ruleset: NftRuleset }

export type PrintedStep = shared.Step<string> & Pick<nftables.NftStep, 'element'>
export type PrintedOutcome = shared.Outcome<PrintedStep>
export type PrintedEvaluation = shared.Evaluation<string, PrintedOutcome>

export function evaluateRules(rules: Rules, packet: Packet, host: HostFacts): PrintedEvaluation {
  return rules.language === 'iptables'
    ? printed(iptables.evaluate(rules.ruleset, packet, host), iptables.printRule)
    : printed(nftables.evaluate(rules.ruleset, packet, host), (rule) =>
        nftables.printRule(rule, packet.family === 'IPv4' ? 'ip' : 'ip6'),
      )
}

function printed<Rule>(
  evaluation: shared.Evaluation<Rule, shared.Outcome<shared.Step<Rule>>>,
  print: (rule: Rule) => string,
): PrintedEvaluation {
  const { outcomes, refused, rulesConsidered } = evaluation
  const withText = <T extends { readonly rule?: Rule }>({ rule, ...rest }: T): Omit<T, 'rule'> & { rule?: string } =>
    rule === undefined ? rest : { ...rest, rule: print(rule) }
  return {
    rulesConsidered,
    outcomes: outcomes.map((outcome) => ({ ...outcome, steps: outcome.steps.map(withText) })),
    ...(refused === undefined ? {} : { refused: withText(refused) }),
  }
}
