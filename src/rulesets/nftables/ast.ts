/**
 * An nftables ruleset as a value: what `nft list ruleset` prints and the kernel's nf_tables holds.
 *
 * The vocabulary is what a service proxy needs, in nft's own spelling: values are the texts nft prints (`10.96.0.10`, `tcp`,
 * `80`, `0x00004000`). What this file has no name for is kept verbatim (`kind: 'other'`), prints back unchanged, and makes
 * the evaluator refuse rather than guess.
 */
export type NftFamily = 'ip' | 'ip6' | 'inet'

export type NftRuleset = { readonly tables: readonly NftTable[] }

export type NftTable = {
  readonly family: NftFamily
  readonly name: string
  readonly comment?: string
  /** Sets and maps, which share one name space, in the order the kernel lists them. */
  readonly sets: ReadonlyMap<string, NftSet>
  readonly chains: ReadonlyMap<string, NftChain>
  /** Objects and flags that are carried, not understood, as printed. */
  readonly others?: readonly string[]
}

export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'

export type NftBase = {
  readonly type: 'filter' | 'nat' | 'route'
  readonly hook: NftHook
  readonly priority: number
  readonly policy: 'accept' | 'drop'
}

/** A chain without its rules: what it takes to create one. */
export type NftChainHeader = {
  readonly name: string
  /** Present exactly for chains the kernel calls by itself. */
  readonly base?: NftBase
  readonly comment?: string
}

export type NftChain = NftChainHeader & { readonly rules: readonly NftRule[] }

export type NftRule = { readonly statements: readonly NftStatement[]; readonly comment?: string }

/** `integer` is a 32-bit number in host order, as `numgen` draws it; nft can only declare it by `typeof`. */
export type NftType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service' | 'mark' | 'ifname' | 'integer'

export type NftSetFlag = 'constant' | 'dynamic' | 'interval' | 'timeout'

/** A set or map without its elements: what it takes to create one, and to encode elements for it. */
export type NftSetHeader = {
  readonly name: string
  /** More than one: a concatenation. */
  readonly key: readonly NftType[]
  /** Absent: a set. `verdict`: a verdict map. */
  readonly data?: 'verdict' | readonly NftType[]
  /**
   * Printed instead of the types, which it must agree with: `typeof ip daddr . numgen random mod 65536 : ip daddr`. Needed
   * where a type is `integer`; the modulus only carries the type, rules may use any.
   */
  readonly typeof?: { readonly key: readonly NftKeyPart[]; readonly data?: readonly NftField[] }
  /** In nft's order: constant, dynamic, interval, timeout. */
  readonly flags?: readonly NftSetFlag[]
  /** Milliseconds; of elements that bring none of their own. */
  readonly timeout?: number
  /** The most elements it may have. A set that rules update gets 65535 from the kernel if none is given. */
  readonly size?: number
  readonly comment?: string
}

export type NftSet = NftSetHeader & {
  readonly elements: readonly NftElement[]
  /** Properties that are carried, not understood, as printed. Lookups in such a set are refused by the evaluator. */
  readonly others?: readonly string[]
}

export type NftElement = {
  /**
   * One text a field: a value, and where the set has intervals also `FROM-TO` or `ADDRESS/LENGTH`. Interface names without
   * quotes.
   */
  readonly key: readonly string[]
  readonly data?: NftVerdict | readonly string[]
  readonly comment?: string
  /** Milliseconds. */
  readonly timeout?: number
  /** Milliseconds left; only in what was read. */
  readonly expires?: number
}

export type NftVerdict =
  | { readonly verdict: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly verdict: 'jump' | 'goto'; readonly chain: string }

/** What a rule can read off a packet, in nft's spelling. `tcp dport` also demands the protocol, `th dport` does not. */
export type NftField =
  | 'ip saddr'
  | 'ip daddr'
  | 'ip6 saddr'
  | 'ip6 daddr'
  | 'th sport'
  | 'th dport'
  | 'tcp sport'
  | 'tcp dport'
  | 'udp sport'
  | 'udp dport'
  | 'sctp sport'
  | 'sctp dport'
  | 'meta l4proto'
  | 'meta nfproto'
  | 'meta mark'
  | 'iifname'
  | 'oifname'
  | 'ct state'
  | 'ct status'
  | 'ct direction'
  | 'ct mark'
  | 'fib saddr type'
  | 'fib daddr type'

/** `numgen random mod MODULUS`: a number from 0 to MODULUS - 1, drawn anew at each evaluation. */
export type NftNumgen = { readonly numgen: 'random'; readonly modulus: number }

export type NftKeyPart = NftField | NftNumgen

/** A named one (`@name`), or one that belongs to the rule (`{ … }`). */
export type NftSetReference = { readonly name: string } | { readonly elements: readonly NftElement[] }

export type NftMark = 'meta mark' | 'ct mark'

/** Where a packet is sent: a fixed place, or what a map says. At least an address or a port. */
export type NftTranslation =
  | { readonly address?: string; readonly port?: number }
  | {
      readonly key: readonly NftKeyPart[]
      readonly map: NftSetReference
      /** Whether the map's data is `address . port` or an address alone. */
      readonly withPort: boolean
    }

export type NftNatFlag = 'random' | 'fully-random' | 'persistent'

export type NftStatement =
  /**
   * `FIELD [!=] VALUE`. A value, `FROM-TO`, or `ADDRESS/LENGTH`; for `ct state` and `ct status` a list of bits
   * (`new,related`) of which one must be set; an interface name may end in `*`.
   */
  | {
      readonly kind: 'match'
      readonly field: NftKeyPart
      readonly negated?: boolean
      readonly value: string
    }
  /** `meta mark & MASK ==|!= VALUE` */
  | {
      readonly kind: 'masked-match'
      readonly field: NftMark
      readonly mask: number
      readonly negated?: boolean
      readonly value: number
    }
  | {
      readonly kind: 'lookup'
      readonly key: readonly NftKeyPart[]
      readonly negated?: boolean
      readonly set: NftSetReference
    }
  | { readonly kind: 'vmap'; readonly key: readonly NftKeyPart[]; readonly map: NftSetReference }
  /** `meta mark set VALUE`, or `meta mark set meta mark | VALUE` with an operator. */
  | {
      readonly kind: 'set-mark'
      readonly field: NftMark
      readonly from?: NftMark
      readonly operator?: 'and' | 'or' | 'xor'
      /** Absent only with `from` alone: a copy. */
      readonly value?: number
    }
  | {
      readonly kind: 'dnat' | 'snat'
      readonly to: NftTranslation
      readonly flags?: readonly NftNatFlag[]
    }
  | { readonly kind: 'masquerade'; readonly flags?: readonly NftNatFlag[] }
  | { readonly kind: 'redirect'; readonly port?: number; readonly flags?: readonly NftNatFlag[] }
  /** `with` in nft's spelling: `tcp reset`, `icmp host-unreachable`, `icmpv6 …`, `icmpx …`. Absent: port unreachable. */
  | { readonly kind: 'reject'; readonly with?: string }
  /** `update @set { ip saddr timeout 3h }` */
  | {
      readonly kind: 'add' | 'update' | 'delete'
      readonly set: string
      readonly key: readonly NftKeyPart[]
      /** Milliseconds. */
      readonly timeout?: number
    }
  | { readonly kind: 'counter'; readonly packets: bigint; readonly bytes: bigint }
  | ({ readonly kind: 'verdict' } & NftVerdict)
  /** Carried, not understood. `transparent`: known to let the packet go on unchanged (log, limit-less counters). */
  | { readonly kind: 'other'; readonly text: string; readonly transparent?: boolean }

/** One step of a transaction on one table. */
export type NftChange =
  /** No complaint if it is there already; the same holds for chains and sets with equal properties. */
  | { readonly change: 'add-table'; readonly comment?: string }
  /** Gone afterwards with all that is in it. */
  | { readonly change: 'delete-table' }
  | { readonly change: 'add-chain'; readonly chain: NftChainHeader }
  /** Must be empty and nobody may jump to it. */
  | { readonly change: 'delete-chain'; readonly name: string }
  /** Removes its rules. */
  | { readonly change: 'flush-chain'; readonly name: string }
  /** `add`: at the end. `insert`: at the front. */
  | { readonly change: 'add-rule' | 'insert-rule'; readonly chain: string; readonly rule: NftRule }
  | { readonly change: 'add-set'; readonly set: NftSetHeader }
  | { readonly change: 'delete-set'; readonly name: string }
  | { readonly change: 'flush-set'; readonly name: string }
  /** An element that is there already with the same data is no error, with other data it is: delete it first. */
  | { readonly change: 'add-elements'; readonly set: NftSetHeader; readonly elements: readonly NftElement[] }
  /** Only the keys count. Each must be there. */
  | { readonly change: 'delete-elements'; readonly set: NftSetHeader; readonly elements: readonly NftElement[] }
