/**
 * The one error class of Signalbox: a failure of the outside world, classified where the evidence is.
 *
 * Callers ask by code (`hasCode`), never by class, so that two copies of the package understand each other.
 * Codes are `SBX_<AREA>_<WHAT>` and are listed with their meaning in docs/errors.md.
 */
export type ErrorCode = `SBX_${string}`

export type ErrorFacts = Readonly<Record<string, string | number | boolean>>

export class SignalboxError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  /** `message` names the object and the fact; never a payload, header, token or whole ruleset. */
  constructor(code: ErrorCode, message: string, options: { facts?: ErrorFacts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SignalboxError'
    this.code = code
    this.facts = options.facts ?? {}
  }
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === code
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
