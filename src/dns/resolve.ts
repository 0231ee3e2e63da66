/** What the chain says to a query, and the parts a chain is made of. Its order is chain/create-chain.ts. */
import type { Query, ResourceRecord } from './wire/index.ts'

export type MessageResolution = {
  readonly kind: 'message'
  readonly rcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionAvailable: boolean
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  /** The same until the data's version changes: may be answered from memory until then. */
  readonly stable?: boolean
}

export type Resolution =
  | MessageResolution
  /** An upstream's reply to exactly this question. */
  | { readonly kind: 'relay'; readonly packet: Buffer }
  /** Several messages, for TCP only (RFC 5936). */
  | { readonly kind: 'transfer'; readonly records: readonly ResourceRecord[] }

export type Client = { readonly address: string; readonly transport: 'udp' | 'tcp' }

export type Resolver = (query: Query, client: Client) => Resolution | Promise<Resolution>

/** Undefined: not for this step, the next one has it. */
export type Step = (query: Query, client: Client) => Resolution | undefined | Promise<Resolution>

const NONE: readonly ResourceRecord[] = []

export function failure(rcode: number, authoritative: boolean): MessageResolution {
  return {
    kind: 'message',
    rcode,
    authoritative,
    truncated: false,
    recursionAvailable: false,
    answers: NONE,
    authority: NONE,
    additional: NONE,
  }
}

export function answered(answers: readonly ResourceRecord[], rest: Partial<MessageResolution> = {}): MessageResolution {
  return { ...failure(0, true), answers, ...rest }
}
