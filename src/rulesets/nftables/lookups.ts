/** Which set or map a statement looks into, and with what. */
import type { NftKeyPart, NftSetReference, NftStatement } from './ast.ts'

export type NftLookup = {
  readonly key: readonly NftKeyPart[]
  readonly set: NftSetReference
  /** What it wants to be told: only whether the key is there, a verdict, or where to translate to. */
  readonly answer: 'none' | 'verdict' | 'value'
}

export function lookupOf(statement: NftStatement): NftLookup | undefined {
  if (statement.kind === 'lookup') return { key: statement.key, set: statement.set, answer: 'none' }
  if (statement.kind === 'vmap') return { key: statement.key, set: statement.map, answer: 'verdict' }
  if ((statement.kind === 'dnat' || statement.kind === 'snat') && 'map' in statement.to) {
    return { key: statement.to.key, set: statement.to.map, answer: 'value' }
  }
  return undefined
}

/** The same statement, looking into `set` with `key`. */
export function withLookup(
  statement: NftStatement,
  { key, set }: { readonly key: readonly NftKeyPart[]; readonly set: NftSetReference },
): NftStatement {
  if (statement.kind === 'lookup') return { ...statement, key, set }
  if (statement.kind === 'vmap') return { ...statement, key, map: set }
  if ((statement.kind === 'dnat' || statement.kind === 'snat') && 'map' in statement.to) {
    return { ...statement, to: { ...statement.to, key, map: set } }
  }
  return statement
}

/** Everything a statement reads off the packet, but for marks. */
export function partsOf(statement: NftStatement): readonly NftKeyPart[] {
  if (statement.kind === 'match') return [statement.field]
  if (statement.kind === 'add' || statement.kind === 'update' || statement.kind === 'delete') return statement.key
  return lookupOf(statement)?.key ?? []
}
