/** A DNS message as a value. Byte strings are `Uint8Array`s, names keep their case. */
import type { Name } from './name.ts'

/** What a record says, by the layout of its RDATA; types without an entry here are carried as bytes. */
export type RecordData =
  /** A: 4 bytes, AAAA: 16. */
  | { readonly kind: 'address'; readonly bytes: Uint8Array }
  /** NS, CNAME, PTR, DNAME. */
  | { readonly kind: 'name'; readonly target: Name }
  | {
      readonly kind: 'srv'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: Name
    }
  | { readonly kind: 'mx'; readonly preference: number; readonly target: Name }
  | {
      readonly kind: 'soa'
      readonly mname: Name
      readonly rname: Name
      readonly serial: number
      readonly refresh: number
      readonly retry: number
      readonly expire: number
      readonly minimum: number
    }
  | { readonly kind: 'txt'; readonly strings: readonly Uint8Array[] }
  | { readonly kind: 'opaque'; readonly bytes: Uint8Array }

export type Question = { readonly name: Name; readonly type: number; readonly class: number }

export type ResourceRecord = {
  readonly name: Name
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly data: RecordData
}

export type EdnsOption = { readonly code: number; readonly bytes: Uint8Array }

/** The OPT pseudo-record (RFC 6891), taken out of the additional section. */
export type Edns = {
  readonly udpSize: number
  readonly version: number
  readonly dnssecOk: boolean
  readonly options: readonly EdnsOption[]
}

export type Message = {
  readonly id: number
  readonly response: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** All twelve bits; above 15 only with `edns`. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  readonly edns?: Edns
}

/** Why bytes are not a message. Data, not an exception: malformed packets are ordinary input. */
export type WireProblem =
  'short-header' | 'past-end' | 'bad-label' | 'bad-pointer' | 'name-too-long' | 'bad-rdata' | 'two-opt-records'

export const HEADER_BYTES = 12

export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const
