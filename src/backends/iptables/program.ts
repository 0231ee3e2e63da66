/** What iptables mode installs: a static part, and per service its own nat chains plus its entries in shared chains. */
import type { Program as SharedProgram } from '#backends/shared'
import type { Rule } from '#rulesets/iptables'
import type { TableName } from './names.ts'

export type ChainAddress = { readonly table: TableName; readonly chain: string }

/** One service's rule in a chain that all services share. */
export type Entry = ChainAddress & { readonly rule: Rule }

export type Fragment = {
  /** Chains in nat that belong to this service alone. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
  readonly entries: readonly Entry[]
}

export type Static = {
  /** Chains that hold nothing but these rules. */
  readonly chains: readonly (ChainAddress & { readonly rules: readonly Rule[] })[]
  /** Chains that hold the services' entries, then `tail`. */
  readonly shared: readonly (ChainAddress & { readonly tail: readonly Rule[] })[]
  /** In the order they are ensured; each is inserted at the top if missing (section 4.2). */
  readonly jumps: readonly Entry[]
}

export type Program = SharedProgram<Static, Fragment>

export const EMPTY_FRAGMENT: Fragment = { chains: new Map(), entries: [] }
