/**
 * What nftables mode installs: a static part, and per service a set of claims.
 *
 * Services share sets, maps and the chains that spread over n endpoints, so most of what one service needs is a handful of
 * elements in objects that are there already. Two services may need the same thing (the chain for three endpoints, the
 * hairpin entry of a pod behind both) or want the same place for different things (one external address and port). A claim
 * names the thing or place; as long as anybody claims it, it stands, filled as the first claimant by service key wants it.
 */
import type { Program as SharedProgram } from '#backends/shared'
import type { NftChain, NftElement, NftRule, NftSetHeader } from '#rulesets/nftables'

export type Item =
  | { readonly kind: 'element'; readonly set: string; readonly element: NftElement }
  | { readonly kind: 'chain'; readonly name: string; readonly rules: readonly NftRule[] }
  /** Filled by the kernel while packets pass. */
  | { readonly kind: 'set'; readonly set: NftSetHeader }

/** Items of different claims are never the same object. */
export type ClaimKey = string

export type Fragment = ReadonlyMap<ClaimKey, readonly Item[]>

export type Static = {
  /** Sets and maps that services fill. */
  readonly sets: readonly NftSetHeader[]
  /** Elements that depend on the node alone. */
  readonly elements: readonly { readonly set: string; readonly element: NftElement }[]
  readonly chains: readonly NftChain[]
}

export type Program = SharedProgram<Static, Fragment>

export const EMPTY_FRAGMENT: Fragment = new Map()
