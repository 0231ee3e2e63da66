/** The part of a node's rules that makes one Service true: the entries that lead to its chains, and the chains. */
import type { Explanation } from '#explain'
import type { Rule, Ruleset } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'

export type ServiceRule = { readonly table: string; readonly chain: string; readonly rule: string }

/** Shared chains hold one entry a service: only the ones that the explained packet met are shown. */
const OWN_CHAIN = /^KUBE-(SVC|SVL|SEP|EXT|FW)-/

export function serviceRules(explanation: Explanation, ruleset: Ruleset): ServiceRule[] {
  const shown = new Map<string, ServiceRule>()
  const add = (table: string, chain: string, rule: string): void => {
    shown.set(`${table} ${chain} ${rule}`, { table, chain, rule })
  }
  const chains: { table: string; chain: string }[] = []
  for (const path of explanation.paths) {
    for (const { table, chain, rule } of path.steps) {
      if (rule === undefined) continue
      if (OWN_CHAIN.test(chain)) {
        if (!chains.some((known) => known.chain === chain && known.table === table)) chains.push({ table, chain })
      } else if (table === 'nat' && chain === 'KUBE-SERVICES') {
        add(table, chain, rule)
      }
    }
  }
  for (const { table, chain } of chains) {
    for (const rule of rulesOf(ruleset, table, chain)) add(table, chain, printRule(rule))
  }
  return [...shown.values()]
}

function rulesOf(ruleset: Ruleset, table: string, chain: string): readonly Rule[] {
  return ruleset.tables.get(table)?.chains.get(chain)?.rules ?? []
}
