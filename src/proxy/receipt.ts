/** What one sync did, as data: for metrics, the console and tests. */
import type { Family } from '#lib'

export type SyncReceipt = {
  readonly family: Family
  readonly mode: string
  /** `partial`: the difference of some services. `full`: live rules read and compared with everything. */
  readonly kind: 'partial' | 'full'
  /** Services whose rules changed in a partial sync. */
  readonly services: readonly string[]
  readonly lines: number
  readonly bytes: number
  /** Wall time from taking up the changes to the kernel's answer. */
  readonly seconds: number
  /** Services left out because the kernel refuses their rules, with what it said. */
  readonly quarantined: readonly { readonly service: string; readonly error: string }[]
  /** Present: nothing (or not all) was written, and a full sync follows. */
  readonly error?: { readonly code: string; readonly message: string }
}
