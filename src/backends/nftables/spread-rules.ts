/**
 * A chain that draws one of n endpoints: the frontend and a random slot below n name the destination in a map that all
 * services share. n is a constant of the rule, hence a chain for each n and not for each service.
 */
import type { NodePlan } from '#dataplane'
import type { NftRule } from '#rulesets/nftables'
import type { FrontendKind, Spread } from './names.ts'
import { FRONTEND_MAPS } from './names.ts'
import { frontendKey, markForMasquerade, rule } from './rule-parts.ts'

export function spreadRules(
  kind: FrontendKind,
  spread: Spread,
  { count, node }: { readonly count: number; readonly node: NodePlan },
): NftRule[] {
  const { endpoints, localEndpoints } = FRONTEND_MAPS[kind]
  const mark = spread === 'masquerade' ? [markForMasquerade(node.masqueradeMark)] : []
  return [
    rule(...mark, {
      kind: 'dnat',
      to: {
        key: [...frontendKey(kind, node.family), { numgen: 'random', modulus: count }],
        map: { name: spread === 'local' ? localEndpoints : endpoints },
        withPort: true,
      },
    }),
  ]
}
