/** Which block a question is for: the one with the longest zone that holds the name (CoreDNS core/dnsserver). */
import type { Resolver } from '../resolve.ts'
import { failure } from '../resolve.ts'
import type { Name } from '../wire/index.ts'
import { lowerName, RCODE } from '../wire/index.ts'
import type { Chain } from './create-chain.ts'

export type Routed = { readonly chain: Chain; readonly zone: Name }

export interface BlockRouter {
  route(name: Name): Routed | undefined
  readonly resolve: Resolver
  /** Another one whenever a stable answer of any block may have become another one. */
  version(): number
}

const refused = { ...failure(RCODE.REFUSED, false), stable: true }

export function createBlockRouter(chains: readonly Chain[]): BlockRouter {
  const byZone = new Map<Name, Chain>()
  for (const chain of chains) for (const zone of chain.config.zones) byZone.set(zone, chain)
  const [only] = chains
  const versions = chains.map((chain) => chain.version)

  const route = (name: Name): Routed | undefined => {
    const lower = lowerName(name)
    for (let at = 0; at < lower.length; at += 1 + lower.charCodeAt(at)) {
      const zone = lower.slice(at) as Name
      const chain = byZone.get(zone)
      if (chain !== undefined) return { chain, zone }
    }
    return undefined
  }
  return {
    route,
    resolve: (query, client) => route(query.question.name)?.chain.resolve(query, client) ?? refused,
    version: () => {
      if (only !== undefined && chains.length === 1) return only.version()
      let sum = 0
      for (const version of versions) sum += version()
      return sum
    },
  }
}
