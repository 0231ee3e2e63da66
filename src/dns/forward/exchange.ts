import type { Question, Message } from '../wire/index.ts'
import type { Upstream } from './upstream.ts'

/** One try at one upstream. Never rejects: what goes wrong with an upstream is an outcome, not an exception. */
export type Outcome =
  | { readonly kind: 'reply'; readonly packet: Buffer; readonly message: Message }
  | { readonly kind: 'failed'; readonly why: string }

export type Exchange = {
  readonly upstream: Upstream
  readonly packet: Buffer
  readonly id: number
  readonly question: Question
  /** Ends the try; its outcome is then of no interest. */
  readonly signal: AbortSignal
}

/** Over TCP or TLS, on a connection that others may share. */
export type StreamExchange = (exchange: Exchange) => Promise<Outcome>
