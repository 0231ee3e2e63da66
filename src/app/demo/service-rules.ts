/**
 * The part of a node's rules that makes one Service true, as the lines that would put it there: of what services share only
 * the entries of this one, of its own everything.
 */
import type { Explanation, Rules } from '#explain'
import { sortedBy } from '#lib'
import type { Rule, Ruleset } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { NftElement, NftRule, NftSet, NftStatement, NftTable } from '#rulesets/nftables'

export type ServiceRule = { readonly table: string; readonly chain: string; readonly text: string }

export function serviceRules(explanation: Explanation, rules: Rules): ServiceRule[] {
  return rules.language === 'iptables'
    ? iptablesRules(explanation, rules.ruleset)
    : rules.ruleset.tables.flatMap((table) => nftablesRules(explanation, table))
}

/** Shared chains hold one entry a service: only the ones that the explained packet met are shown. */
const OWN_CHAIN = /^KUBE-(SVC|SVL|SEP|EXT|FW)-/

function iptablesRules(explanation: Explanation, ruleset: Ruleset): ServiceRule[] {
  const shown = new Map<string, ServiceRule>()
  const add = (table: string, chain: string, rule: string): void => {
    shown.set(`${table} ${chain} ${rule}`, { table, chain, text: `-A ${chain} ${rule}` })
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

/** The rules that the packet met, each followed by the elements for this destination in the maps that it asks. */
function nftablesRules(explanation: Explanation, table: NftTable): ServiceRule[] {
  const shown = new Map<string, ServiceRule>()
  const { destination, protocol } = explanation.question
  const names = [[destination.address], [destination.address, protocol.toLowerCase(), String(destination.port)]]
  const nodePort = [protocol.toLowerCase(), String(destination.port)]
  const isOurs = ({ key }: NftElement): boolean =>
    [...names, nodePort].some((start) => start.length > 1 && start.every((value, at) => key[at] === value))
  const add = (chain: string, text: string): void => void shown.set(text, { table: table.name, chain, text })
  for (const path of explanation.paths) {
    for (const { chain, position, rule } of path.steps) {
      const met = table.chains.get(chain)?.rules[(position ?? 0) - 1]
      // Chains of type filter only refuse; what is shown is what leads the packet there.
      if (rule === undefined || met === undefined || chain.startsWith('filter-')) continue
      add(chain, `add rule ${table.family} ${table.name} ${chain} ${rule}`)
      for (const map of mapsOf(met, table)) {
        for (const element of sortedBy(map.elements.filter(isOurs), ({ key }) => key.join(' '))) {
          add(chain, `add element ${table.family} ${table.name} ${map.name} { ${elementText(element)} }`)
        }
      }
    }
  }
  return [...shown.values()]
}

function mapsOf(rule: NftRule, table: NftTable): NftSet[] {
  return rule.statements.flatMap((statement) => {
    const name = mapName(statement)
    const map = name === undefined ? undefined : table.sets.get(name)
    return map === undefined ? [] : [map]
  })
}

function mapName(statement: NftStatement): string | undefined {
  if (statement.kind === 'vmap') return 'name' in statement.map ? statement.map.name : undefined
  if (statement.kind !== 'dnat' || !('map' in statement.to)) return undefined
  return 'name' in statement.to.map ? statement.to.map.name : undefined
}

function elementText({ key, data, comment }: NftElement): string {
  const said = comment === undefined ? '' : ` comment "${comment}"`
  if (data === undefined) return `${key.join(' . ')}${said}`
  if (!('verdict' in data)) return `${key.join(' . ')}${said} : ${data.join(' . ')}`
  return `${key.join(' . ')}${said} : ${data.verdict}${'chain' in data ? ` ${data.chain}` : ''}`
}
