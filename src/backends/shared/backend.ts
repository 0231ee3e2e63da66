/**
 * What every mode implements, shaped for incremental use: a program is a static part and one fragment per service, and a
 * change touches the fragments of the services it names and nothing else.
 *
 * render*, diff and reconcile are pure; only probe, read and apply meet the kernel.
 */
import type { NodePlan, ServicePlan } from '#dataplane'
import type { Family } from '#lib'

export type ServiceKey = string

/** What a mode would install. `Static` and `Fragment` are the mode's own values, built from a `#rulesets` language. */
export type Program<Static, Fragment> = {
  readonly family: Family
  readonly static: Static
  readonly services: ReadonlyMap<ServiceKey, Fragment>
}

/** One service going from one fragment to another; absent is "has none". */
export type FragmentChange<Fragment> = {
  readonly key: ServiceKey
  readonly before?: Fragment
  readonly after?: Fragment
}

/** What a transaction carries, for receipts and metrics. */
export type TransactionSize = {
  /** Services it touches; empty for a pure static or reconcile step. */
  readonly services: readonly ServiceKey[]
  readonly lines: number
  readonly bytes: number
  /** Rules written, by table, where a mode has tables that mean something to operators. */
  readonly tables?: Readonly<Record<string, number>>
}

export type MissingCapability = { readonly name: string; readonly detail: string }

export interface Backend<Static, Fragment, Transaction, Live> {
  readonly mode: 'iptables' | 'nftables' | 'ipvs' | 'userspace'
  readonly family: Family
  /** Empty: usable here. */
  probe(): Promise<readonly MissingCapability[]>
  renderStatic(node: NodePlan): Static
  renderService(plan: ServicePlan, node: NodePlan): Fragment
  /** The smallest transaction that takes a kernel holding every `before` to every `after`. */
  diff(changes: readonly FragmentChange<Fragment>[]): Transaction
  /** The smallest transaction that takes whatever is live to the program, removing what is ours and stale. */
  reconcile(live: Live, program: Program<Static, Fragment>): Transaction
  sizeOf(transaction: Transaction): TransactionSize
  /** Rules in a part of the program, by table. */
  countRules?(part: { readonly static: Static } | { readonly fragment: Fragment }): Readonly<Record<string, number>>
  /** Reads the live rules once; for reconciling and drift, never on the steady path. */
  read(): Promise<Live>
  /** All or nothing as far as the mode can. @throws a classified SignalboxError; the caller then reconciles. */
  apply(transaction: Transaction, signal?: AbortSignal): Promise<void>
}

/** Two whole programs compared by identity of their fragments: for a switch or a plan, not for the steady path. */
export function changesBetween<Fragment>(
  previous: ReadonlyMap<ServiceKey, Fragment>,
  next: ReadonlyMap<ServiceKey, Fragment>,
): FragmentChange<Fragment>[] {
  const changes: FragmentChange<Fragment>[] = []
  for (const [key, before] of previous) {
    const after = next.get(key)
    if (after === undefined) changes.push({ key, before })
    else if (after !== before) changes.push({ key, before, after })
  }
  for (const [key, after] of next) if (!previous.has(key)) changes.push({ key, after })
  return changes
}
