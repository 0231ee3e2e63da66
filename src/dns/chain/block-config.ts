/** One server block: the zones it answers for, and the parts of its chain. What a Corefile says, as a value. */
import type { CacheConfig, ForwardPolicy, Upstream } from '../forward/index.ts'
import type { RecordOptions } from '../records/index.ts'
import type { Name, ResourceRecord } from '../wire/index.ts'

export type KubernetesConfig = RecordOptions & {
  /** `cluster.local` */
  readonly zone: string
  readonly reverseCidrs: readonly string[]
  readonly reverseEverywhere: boolean
  /** Names of the zone that do not exist are passed on, too (`fallthrough` without zones). */
  readonly fallthrough: boolean
}

export type ForwardConfig = {
  /** Lower case; `.` is everything. */
  readonly from: Name
  readonly except: readonly Name[]
  readonly upstreams: readonly Upstream[]
  readonly policy: ForwardPolicy
  readonly forceTcp: boolean
  readonly healthChecked: boolean
  readonly maxConcurrent?: number
  readonly expireMilliseconds?: number
  readonly probeMilliseconds?: number
}

export type HostsConfig = {
  readonly entries: readonly { readonly address: string; readonly names: readonly string[] }[]
  readonly ttl: number
  readonly reverse: boolean
  readonly fallthrough: boolean
}

export type RewriteRule = {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex'
  /** Master-file text in lower case, with the trailing dot; a regular expression over such text. */
  readonly from: string
  readonly to: string
  /** Go on with the next rule instead of stopping. */
  readonly goOn: boolean
}

export type TemplateRule = {
  readonly class: number
  /** Undefined: any. */
  readonly type: number | undefined
  readonly zones: readonly Name[]
  /** Over the question's name as text; none: every name. */
  readonly match: readonly RegExp[]
  /** With `{{ .Name }}` and groups left in. */
  readonly answers: readonly TemplateRecord[]
  readonly authority: readonly TemplateRecord[]
  readonly additional: readonly TemplateRecord[]
  readonly rcode: number
  readonly fallthrough: boolean
}

/** Makes the record for one question; undefined if the result is no record. */
export type TemplateRecord = (values: TemplateValues) => ResourceRecord | undefined
export type TemplateValues = {
  readonly name: string
  readonly groups: Readonly<Record<string, string>>
}

export type BlockConfig = {
  readonly zones: readonly Name[]
  readonly port: number
  /** Addresses to listen on; those of the server if empty. */
  readonly bind: readonly string[]
  readonly kubernetes?: KubernetesConfig
  readonly forwards: readonly ForwardConfig[]
  readonly cache?: CacheConfig
  readonly hosts?: HostsConfig
  readonly rewrites: readonly RewriteRule[]
  readonly templates: readonly TemplateRule[]
  readonly shuffle: boolean
  readonly loop: boolean
  /** Log each query. */
  readonly log: boolean
  /** Who may transfer the zone, as CIDRs or addresses; nobody if empty. */
  readonly transferTo: readonly string[]
}
