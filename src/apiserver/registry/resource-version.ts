/** `resourceVersion` and `resourceVersionMatch` of reads: what may be asked, and waiting for revisions to come. */
import type { FieldError } from '#api'
import { forbidden, notSupported } from '#api'
import type { Clock } from '#lib'
import { badRequest, futureRevision, invalidOptions, Refused } from '../status/index.ts'
import type { Store } from '../storage/index.ts'

export type RevisionOptions = {
  readonly resourceVersion: string
  readonly resourceVersionMatch: string
}

/** kube-apiserver's cacher waits as long before it answers 504. */
const WAIT_MILLISECONDS = 3_000

export function parseRevision(text: string): number {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) {
    throw new Refused(badRequest(`invalid resource version "${text}": must be an unsigned integer`))
  }
  return Number(text)
}

export function checkListRevision(options: RevisionOptions & { readonly continues: boolean }): void {
  const { resourceVersion, resourceVersionMatch: match } = options
  if (match === '') return
  const field = 'resourceVersionMatch'
  const errors: FieldError[] = []
  if (options.continues) errors.push(forbidden(field, `${field} is forbidden when continue is provided`))
  if (resourceVersion === '') errors.push(forbidden(field, `${field} is forbidden unless resourceVersion is provided`))
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    errors.push(notSupported(field, match, ['Exact', 'NotOlderThan', '']))
  } else if (match === 'Exact' && resourceVersion === '0') {
    errors.push(forbidden(field, `${field} "exact" is forbidden for resourceVersion "0"`))
  }
  if (errors.length > 0) throw new Refused(invalidOptions('ListOptions', errors))
}

/** Resolves once the store has reached `revision`; a 504 Refused when it does not in time. */
export async function waitForRevision(store: Store, clock: Clock, revision: number): Promise<void> {
  if (store.revision >= revision) return
  const reached = Promise.withResolvers<boolean>()
  const stop = store.onCommit((current) => current >= revision && reached.resolve(true))
  const cancel = clock.after(WAIT_MILLISECONDS, () => reached.resolve(false))
  const came = await reached.promise
  stop()
  cancel()
  if (!came) throw new Refused(futureRevision(String(revision), store.revision), { 'Retry-After': '1' })
}
