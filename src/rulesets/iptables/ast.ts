/**
 * An iptables ruleset as a value: what `iptables-save` prints and `iptables-restore` reads, for one family.
 *
 * Everything a rule can say is data. What this file has no name for is kept verbatim (`kind: 'other'`), prints back
 * unchanged, and makes the evaluator refuse rather than guess.
 */
import type { Family } from '#lib'

export type Counters = { readonly packets: bigint; readonly bytes: bigint }

export type Ruleset = {
  readonly family: Family
  /** Keyed by table name (`nat`, `filter`, …), in the order they were read. */
  readonly tables: ReadonlyMap<string, Table>
}

export type Table = {
  readonly name: string
  /** In the order they were read; built-in chains first, as the kernel lists them. */
  readonly chains: ReadonlyMap<string, Chain>
}

export type Chain = {
  readonly name: string
  /** Present exactly for built-in chains. */
  readonly policy?: 'ACCEPT' | 'DROP'
  readonly counters?: Counters
  readonly rules: readonly Rule[]
}

export type Rule = {
  /** In the order they are printed. All must hold. */
  readonly matches: readonly Match[]
  /** Absent: the rule only counts (`KUBE-FW` ends in one). */
  readonly target?: Target
  readonly counters?: Counters
}

type Negatable = { readonly negated?: boolean }

export type Match =
  | (Negatable & { readonly kind: 'source' | 'destination'; readonly cidr: string })
  | (Negatable & { readonly kind: 'protocol'; readonly protocol: string })
  | (Negatable & {
      readonly kind: 'in-interface' | 'out-interface'
      /** A trailing `+` matches any suffix. */ readonly name: string
    })
  | { readonly kind: 'comment'; readonly text: string }
  /** `-m tcp --dport 80`; a single port has from = to. */
  | (Negatable & {
      readonly kind: 'source-port' | 'destination-port'
      readonly protocol: string
      readonly from: number
      readonly to: number
    })
  | (Negatable & { readonly kind: 'conntrack-state'; readonly states: readonly string[] })
  | (Negatable & { readonly kind: 'mark'; readonly value: number; readonly mask: number })
  | (Negatable & { readonly kind: 'address-type'; readonly of: 'source' | 'destination'; readonly type: string })
  /** `-m statistic --mode random`; the printed number, which the kernel has rounded to a multiple of 2^-31. */
  | (Negatable & { readonly kind: 'random'; readonly probability: number })
  | (Negatable & {
      readonly kind: 'recent'
      readonly action: 'set' | 'rcheck' | 'update' | 'remove'
      readonly list: string
      readonly seconds?: number
      readonly reap?: boolean
      readonly side: 'source' | 'destination'
      readonly mask?: string
    })
  /** A match module that is carried, not understood: `-m <module> <arguments…>`. */
  | { readonly kind: 'other'; readonly module: string; readonly arguments: readonly string[] }

export type Target =
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'reject'; readonly with: string }
  /** New mark = (old AND NOT mask) XOR value: `--set-xmark value/mask` (also how `--or-mark` and `--xor-mark` print). */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'dnat' | 'snat'; readonly to: string; readonly flags?: readonly string[] }
  | { readonly kind: 'masquerade'; readonly randomFully?: boolean }
  | { readonly kind: 'redirect'; readonly toPorts?: string }
  | { readonly kind: 'other'; readonly name: string; readonly arguments: readonly string[] }
