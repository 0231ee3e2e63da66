/** Statements in the words `nft list ruleset` has for them. */
import type { NftFamily, NftKeyPart, NftRule, NftSetReference, NftStatement, NftTranslation } from './ast.ts'
import { addressFamilyOf, typeOf } from './fields.ts'
import { printElement, printVerdict } from './print-element.ts'
import { printDuration, printQuoted } from './words.ts'
import { printMark } from './values.ts'

export function printRule(rule: NftRule, family: NftFamily): string {
  const words = rule.statements.map((statement) => printStatement(statement, family))
  if (rule.comment !== undefined) words.push(`comment ${printQuoted(rule.comment)}`)
  return words.join(' ')
}

export function printStatement(statement: NftStatement, family: NftFamily): string {
  switch (statement.kind) {
    case 'match': {
      const { field, value } = statement
      return `${printPart(field)} ${not(statement)}${typeOf(field) === 'ifname' ? printQuoted(value) : value}`
    }
    case 'masked-match': {
      const operator = statement.negated === true ? '!=' : '=='
      return `${statement.field} & ${printMark(statement.mask)} ${operator} ${printMark(statement.value)}`
    }
    case 'lookup':
      return `${printKey(statement.key)} ${not(statement)}${printReference(statement.set, statement.key)}`
    case 'vmap':
      return `${printKey(statement.key)} vmap ${printReference(statement.map, statement.key)}`
    case 'set-mark':
      return `${statement.field} set ${printMarkSource(statement)}`
    case 'dnat':
    case 'snat':
      return `${statement.kind}${printTranslation(statement.to, family)}${printFlags(statement.flags)}`
    case 'masquerade':
      return `masquerade${printFlags(statement.flags)}`
    case 'redirect':
      return `redirect${statement.port === undefined ? '' : ` to :${statement.port}`}${printFlags(statement.flags)}`
    case 'reject':
      return statement.with === undefined ? 'reject' : `reject with ${statement.with}`
    case 'add':
    case 'update':
    case 'delete': {
      const timeout = statement.timeout === undefined ? '' : ` timeout ${printDuration(statement.timeout)}`
      return `${statement.kind} @${statement.set} { ${printKey(statement.key)}${timeout} }`
    }
    case 'counter':
      return `counter packets ${statement.packets} bytes ${statement.bytes}`
    case 'verdict':
      return printVerdict(statement)
    case 'other':
      return statement.text
  }
}

export function printKey(key: readonly NftKeyPart[]): string {
  return key.map(printPart).join(' . ')
}

function printPart(part: NftKeyPart): string {
  return typeof part === 'string' ? part : `numgen ${part.numgen} mod ${part.modulus}`
}

function not(statement: { readonly negated?: boolean }): string {
  return statement.negated === true ? '!= ' : ''
}

function printReference(reference: NftSetReference, key: readonly NftKeyPart[]): string {
  if ('name' in reference) return `@${reference.name}`
  const types = key.map(typeOf)
  return printElements(reference.elements.map((element) => printElement(element, types)))
}

function printElements(elements: readonly string[]): string {
  return `{ ${elements.join(', ')} }`
}

function printMarkSource(statement: NftStatement & { readonly kind: 'set-mark' }): string {
  const { from, operator, value } = statement
  if (from === undefined) return printMark(value ?? 0)
  if (operator === undefined || value === undefined) return from
  return `${from} ${{ and: '&', or: '|', xor: '^' }[operator]} ${printMark(value)}`
}

function printTranslation(to: NftTranslation, family: NftFamily): string {
  if (!('map' in to)) {
    const which = family === 'inet' && to.address !== undefined ? (to.address.includes(':') ? ' ip6' : ' ip') : ''
    return `${which} to ${printEndpoint(to)}`
  }
  const v6 = family === 'ip6' || (family === 'inet' && addressFamilyOf(to.key) === 'ipv6')
  const which = to.withPort || family === 'inet' ? (v6 ? ' ip6' : ' ip') : ''
  return `${which} to ${printKey(to.key)} map ${printReference(to.map, to.key)}`
}

function printEndpoint({ address, port }: { readonly address?: string; readonly port?: number }): string {
  if (port === undefined) return address ?? ''
  return `${address === undefined ? '' : address.includes(':') ? `[${address}]` : address}:${port}`
}

function printFlags(flags: readonly string[] = []): string {
  return flags.length === 0 ? '' : ` ${flags.join(',')}`
}
