/**
 * Rules as the kernel's own listing has them. nft leaves away what another part of the rule implies: `meta l4proto tcp`
 * before `tcp dport 80` or `reject with tcp reset`, and `th dport` behind `meta l4proto tcp` is `tcp dport`. A rule's own
 * sets are in order, without overlaps, and spelled the shortest way (NFT-16). Two rules that do the same in these ways are
 * equal once normalized.
 */
import type { NftElement, NftKeyPart, NftRule, NftSetReference, NftStatement, NftTable } from './ast.ts'
import { isField, protocolOf, typeOf, type ValueType } from './fields.ts'
import { lookupOf, partsOf, withLookup } from './lookups.ts'
import { parseInterval, printInterval, type Interval } from './values.ts'

const PORTED = new Set(['tcp', 'udp', 'sctp'])

export function normalizeRule(rule: NftRule): NftRule {
  const statements: NftStatement[] = []
  let protocol: string | undefined = demandsTcp(rule) ? 'tcp' : undefined
  /** Place of the match that says which protocol it is, as long as nothing has been made of it. */
  let saidAt: number | undefined
  let onlyConditions = true
  for (const given of rule.statements) {
    const said = saysProtocol(given)
    if (said !== undefined) {
      if (said === protocol) continue
      protocol = said
      saidAt = statements.length
      statements.push(given)
      continue
    }
    const statement = nameProtocol(orderElements(given), protocol)
    const implied = impliedProtocol(statement)
    // A reset demands its protocol before the rule does anything (see `demandsTcp`).
    const fits = statement.kind !== 'reject' || onlyConditions
    if (implied !== undefined && implied === protocol && saidAt !== undefined && fits) {
      statements.splice(saidAt, 1)
      saidAt = undefined
    }
    protocol ??= implied
    onlyConditions = saidAt === 0 || (onlyConditions && isCondition(statement))
    statements.push(statement)
  }
  return { ...rule, statements }
}

/**
 * Whether the rule is for TCP alone because it ends in a reset, with nothing in front of that which says so: nft puts the
 * condition at the very beginning.
 */
export function demandsTcp(rule: NftRule): boolean {
  for (const statement of rule.statements) {
    if (statement.kind === 'reject') return statement.with === 'tcp reset'
    if (saysProtocol(statement) !== undefined || impliedProtocol(statement) !== undefined) return false
  }
  return false
}

function isCondition({ kind }: NftStatement): boolean {
  return kind === 'match' || kind === 'masked-match' || kind === 'lookup'
}

export function normalizeTable(table: NftTable): NftTable {
  const chains = [...table.chains].map(
    ([name, chain]) => [name, { ...chain, rules: chain.rules.map(normalizeRule) }] as const,
  )
  return { ...table, chains: new Map(chains) }
}

function saysProtocol(statement: NftStatement): string | undefined {
  return statement.kind === 'match' && statement.field === 'meta l4proto' && statement.negated !== true
    ? statement.value
    : undefined
}

/** The protocol a statement demands by itself. */
export function impliedProtocol(statement: NftStatement): string | undefined {
  if (statement.kind === 'reject') return statement.with === 'tcp reset' ? 'tcp' : undefined
  return partsOf(statement)
    .map(protocolOf)
    .find((protocol) => protocol !== undefined)
}

function nameProtocol(statement: NftStatement, protocol: string | undefined): NftStatement {
  if (protocol === undefined || !PORTED.has(protocol)) return statement
  const name = (part: NftKeyPart): NftKeyPart => namePart(part, protocol)
  if (statement.kind === 'match') return { ...statement, field: name(statement.field) }
  if (statement.kind === 'add' || statement.kind === 'update' || statement.kind === 'delete') {
    return { ...statement, key: statement.key.map(name) }
  }
  const asked = lookupOf(statement)
  return asked === undefined ? statement : withLookup(statement, { key: asked.key.map(name), set: asked.set })
}

function namePart(part: NftKeyPart, protocol: string): NftKeyPart {
  const named = typeof part === 'string' ? part.replace(/^th /, `${protocol} `) : ''
  return isField(named) ? named : part
}

function orderElements(statement: NftStatement): NftStatement {
  const asked = lookupOf(statement)
  return asked === undefined ? statement : withLookup(statement, { ...asked, set: ordered(asked.set, asked.key) })
}

type Placed = { readonly element: NftElement; readonly fields: readonly Interval[] }

function ordered(reference: NftSetReference, key: readonly NftKeyPart[]): NftSetReference {
  if ('name' in reference) return reference
  const types = key.map(typeOf)
  const placed: Placed[] = []
  for (const element of reference.elements) {
    const fields = element.key.map((text, at) => parseInterval(types[at] ?? 'mark', text))
    const known = fields.filter((field) => field !== undefined)
    // What is no value cannot be put in order; whoever loads it is told.
    if (known.length !== fields.length) return reference
    placed.push({ element, fields: known })
  }
  placed.sort(comparePlaces)
  return { elements: joined(placed, types) }
}

function comparePlaces(a: Placed, b: Placed): number {
  for (const [at, { from }] of a.fields.entries()) {
    const other = b.fields[at]?.from ?? 0n
    if (from !== other) return from < other ? -1 : 1
  }
  return 0
}

/** Plain intervals that overlap or touch become one. */
function joined(placed: readonly Placed[], types: readonly ValueType[]): readonly NftElement[] {
  const [type = 'mark', ...more] = types
  const isRanged = placed.some(({ fields }) => fields.some(({ from, to }) => from !== to))
  if (more.length > 0 || !isRanged || placed.some(({ element }) => element.data !== undefined)) {
    return placed.map(({ element, fields }) => ({
      ...element,
      key: fields.map((field, at) => printInterval(types[at] ?? 'mark', field)),
    }))
  }
  const intervals: Interval[] = []
  for (const { fields } of placed) {
    const [next] = fields
    const last = intervals.at(-1)
    if (next === undefined) continue
    if (last === undefined || next.from > last.to + 1n) intervals.push(next)
    else if (next.to > last.to) intervals[intervals.length - 1] = { from: last.from, to: next.to }
  }
  return intervals.map((interval) => ({ key: [printInterval(type, interval)] }))
}
