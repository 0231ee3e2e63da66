/** Statements in the one spelling that the kernel's listing has, so that what was sent and what is read are the same. */
import type { LocalDetector } from '#dataplane'
import type { Family } from '#lib'
import type { NftElement, NftField, NftKeyPart, NftRule, NftStatement, NftVerdict } from '#rulesets/nftables'
import type { FrontendKind } from './names.ts'

export function rule(...statements: readonly NftStatement[]): NftRule {
  return { statements }
}

export function sourceField(family: Family): NftField {
  return family === 'IPv4' ? 'ip saddr' : 'ip6 saddr'
}

export function destinationField(family: Family): NftField {
  return family === 'IPv4' ? 'ip daddr' : 'ip6 daddr'
}

/** What of a packet names its frontend. */
export function frontendKey(kind: FrontendKind, family: Family): readonly NftField[] {
  return kind === 'service' ? [destinationField(family), 'meta l4proto', 'th dport'] : ['meta l4proto', 'th dport']
}

export function match(field: NftField, value: string): NftStatement {
  return { kind: 'match', field, value }
}

export function differs(field: NftField, value: string): NftStatement {
  return { kind: 'match', field, value, negated: true }
}

export function isIn(key: readonly NftKeyPart[], set: string): NftStatement {
  return { kind: 'lookup', key, set: { name: set } }
}

export function follow(key: readonly NftKeyPart[], map: string): NftStatement {
  return { kind: 'vmap', key, map: { name: map } }
}

export function jump(chain: string): NftStatement {
  return { kind: 'verdict', verdict: 'jump', chain }
}

export function goto(chain: string): NftVerdict & { readonly verdict: 'goto' } {
  return { verdict: 'goto', chain }
}

export function markForMasquerade(mark: number): NftStatement {
  return { kind: 'set-mark', field: 'meta mark', from: 'meta mark', operator: 'or', value: mark }
}

export const DROP: NftStatement = { kind: 'verdict', verdict: 'drop' }
export const RETURN: NftStatement = { kind: 'verdict', verdict: 'return' }
export const MASQUERADE: NftStatement = { kind: 'masquerade', flags: ['fully-random'] }
export const NEW = match('ct state', 'new')
export const DESTINATION_IS_LOCAL = match('fib daddr type', 'local')
export const SOURCE_IS_LOCAL = match('fib saddr type', 'local')

/** Loopback addresses never answer on node ports in this mode (TG-29). */
export function notLoopback(family: Family): NftStatement {
  return differs(destinationField(family), family === 'IPv4' ? '127.0.0.0/8' : '::1')
}

/** "Comes from a pod" or its negation, as this node can tell (OP-22). */
export function podSource(detector: LocalDetector, family: Family, negated = false): NftStatement {
  const compare = negated ? differs : match
  switch (detector.kind) {
    case 'source':
      return compare(sourceField(family), detector.cidr)
    case 'interface':
      return compare('iifname', detector.name)
    case 'interface-prefix':
      return compare('iifname', `${detector.prefix}*`)
  }
}

/** The kernel takes 128 bytes with the final zero (NFTNL_UDATA_COMMENT_MAXLEN). */
const LONGEST_COMMENT = 127

export function element(key: readonly string[], data?: NftElement['data'], comment?: string): NftElement {
  return {
    key,
    ...(data === undefined ? {} : { data }),
    ...(comment === undefined ? {} : { comment: comment.slice(0, LONGEST_COMMENT) }),
  }
}
