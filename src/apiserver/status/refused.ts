/**
 * How a request ends that gets no object: a Status body and its HTTP code.
 *
 * Refusals are answers, so the pure steps below (patch, selectors, parameters) return them as data. The verbs throw them
 * as `Refused`, which only `http/serve-request.ts` catches: a verb has one happy path and a dozen ways out.
 */
import type { Status } from '#api'

export class Refused extends Error {
  readonly status: Status
  /** Extra header fields, e.g. `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>

  constructor(status: Status, headers: Readonly<Record<string, string>> = {}) {
    super(status.message ?? 'refused')
    this.name = 'Refused'
    this.status = status
    this.headers = headers
  }
}

/** The value, or the thrown refusal. */
export function unwrap<T extends object>(outcome: T): Exclude<T, { readonly refusal: Status }> {
  if ('refusal' in outcome) throw new Refused(outcome.refusal as Status)
  return outcome as Exclude<T, { readonly refusal: Status }>
}
