/** Gathering one port's claims. */
import type { NodePlan, ServicePortPlan } from '#dataplane'
import type { PortNames } from './names.ts'
import type { ClaimKey, Item } from './program.ts'

export type PortScope = {
  /** Filled. */
  readonly claims: Map<ClaimKey, Item[]>
  readonly port: ServicePortPlan
  readonly node: NodePlan
  readonly names: PortNames
}

export function claim(claims: Map<ClaimKey, Item[]>, key: ClaimKey, ...items: readonly Item[]): void {
  const known = claims.get(key)
  if (known === undefined) claims.set(key, [...items])
  else known.push(...items)
}
