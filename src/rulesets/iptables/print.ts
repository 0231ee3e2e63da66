/**
 * A ruleset as `iptables-restore` reads it and `iptables-save` prints it, byte for byte except for the comment lines.
 *
 * The same rule always prints the same text, so texts can be compared.
 */
import type { Counters, Match, Rule, Ruleset, Target } from './ast.ts'
import { FULL_MASK } from './parse-mark.ts'
import { quote } from './tokenize.ts'

export function printIptablesSave(ruleset: Ruleset): string {
  const lines: string[] = []
  for (const table of ruleset.tables.values()) {
    lines.push(`*${table.name}`)
    for (const chain of table.chains.values()) {
      const counters = chain.counters === undefined ? '' : ` ${printCounters(chain.counters)}`
      lines.push(`:${chain.name} ${chain.policy ?? '-'}${counters}`)
    }
    for (const chain of table.chains.values()) {
      for (const rule of chain.rules) {
        const counters = rule.counters === undefined ? '' : `${printCounters(rule.counters)} `
        lines.push(`${counters}-A ${chain.name} ${printRule(rule)}`.trimEnd())
      }
    }
    lines.push('COMMIT')
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** What stands after `-A CHAIN `, counters left out. */
export function printRule(rule: Rule): string {
  const parts: string[] = []
  for (const [at, match] of rule.matches.entries()) {
    // Options of one module that iptables-save prints behind one -m are separate matches here.
    parts.push(sharesModule(rule.matches[at - 1], match) ? printOptions(match) : printMatch(match))
  }
  if (rule.target !== undefined) parts.push(printTarget(rule.target))
  return parts.join(' ')
}

/** One match by itself, with its `-m`. */
export function printMatch(match: Match): string {
  const module = moduleOf(match)
  const options = printOptions(match)
  if (module === undefined) return options
  return options === '' ? `-m ${module}` : `-m ${module} ${options}`
}

function moduleOf(match: Match): string | undefined {
  switch (match.kind) {
    case 'source':
    case 'destination':
    case 'protocol':
    case 'in-interface':
    case 'out-interface':
      return undefined
    case 'source-port':
    case 'destination-port':
      return match.protocol
    case 'conntrack-state':
      return 'conntrack'
    case 'address-type':
      return 'addrtype'
    case 'random':
      return 'statistic'
    case 'comment':
    case 'mark':
    case 'recent':
      return match.kind
    case 'other':
      return match.module === '' ? undefined : match.module
  }
}

function sharesModule(before: Match | undefined, match: Match): boolean {
  if (before === undefined) return false
  if (before.kind === 'source-port' || before.kind === 'destination-port') {
    if (match.kind === 'destination-port') return before.kind === 'source-port' && before.protocol === match.protocol
    return match.kind === 'other' && match.module === before.protocol && match.arguments.length > 0
  }
  return (
    before.kind === 'address-type' && before.of === 'source' && match.kind === 'address-type' && match.of !== 'source'
  )
}

function printOptions(match: Match): string {
  switch (match.kind) {
    case 'source':
      return `${not(match)}-s ${match.cidr}`
    case 'destination':
      return `${not(match)}-d ${match.cidr}`
    case 'protocol':
      return `${not(match)}-p ${match.protocol}`
    case 'in-interface':
      return `${not(match)}-i ${match.name}`
    case 'out-interface':
      return `${not(match)}-o ${match.name}`
    case 'comment':
      return `--comment ${quote(match.text)}`
    case 'source-port':
      return `${not(match)}--sport ${printRange(match)}`
    case 'destination-port':
      return `${not(match)}--dport ${printRange(match)}`
    case 'conntrack-state':
      return `${not(match)}--ctstate ${match.states.join(',')}`
    case 'mark':
      return `${not(match)}--mark ${hex(match.value)}${match.mask === FULL_MASK ? '' : `/${hex(match.mask)}`}`
    case 'address-type':
      return `${not(match)}--${match.of === 'source' ? 'src' : 'dst'}-type ${match.type}`
    case 'random':
      return `--mode random ${not(match)}--probability ${match.probability.toFixed(11)}`
    case 'recent':
      return printRecent(match)
    case 'other':
      return match.arguments.map(printArgument).join(' ')
  }
}

function printRecent(match: Match & { readonly kind: 'recent' }): string {
  const words = [`${not(match)}--${match.action}`]
  if (match.seconds !== undefined) words.push(`--seconds ${match.seconds}`)
  if (match.reap === true) words.push('--reap')
  words.push(`--name ${match.list}`)
  if (match.mask !== undefined) words.push(`--mask ${match.mask}`)
  words.push(match.side === 'source' ? '--rsource' : '--rdest')
  return words.join(' ')
}

/** libxt_nfacct prints two blanks; the value type has no place for that, and a text that is compared has to. */
function printArgument(argument: string): string {
  return argument === '--nfacct-name' ? `${argument} ` : argument
}

function printTarget(target: Target): string {
  switch (target.kind) {
    case 'jump':
      return `-j ${target.chain}`
    case 'goto':
      return `-g ${target.chain}`
    case 'accept':
    case 'drop':
    case 'return':
      return `-j ${target.kind.toUpperCase()}`
    case 'reject':
      return `-j REJECT --reject-with ${target.with}`
    case 'mark':
      return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`
    case 'dnat':
      return ['-j DNAT --to-destination', target.to, ...(target.flags ?? [])].join(' ')
    case 'snat':
      return ['-j SNAT --to-source', target.to, ...(target.flags ?? [])].join(' ')
    case 'masquerade':
      return target.randomFully === true ? '-j MASQUERADE --random-fully' : '-j MASQUERADE'
    case 'redirect':
      return target.toPorts === undefined ? '-j REDIRECT' : `-j REDIRECT --to-ports ${target.toPorts}`
    case 'other':
      return ['-j', target.name, ...target.arguments].join(' ')
  }
}

function printRange({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? `${from}` : `${from}:${to}`
}

function printCounters(counters: Counters): string {
  return `[${counters.packets}:${counters.bytes}]`
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`
}

function not(match: { readonly negated?: boolean }): string {
  return match.negated === true ? '! ' : ''
}
