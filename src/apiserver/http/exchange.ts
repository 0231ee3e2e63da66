/** One request on its way to an answer: what every handler gets, and the ways to answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import type { Status } from '#api'
import type { User } from '../registry/index.ts'

export type Exchange = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly user: User
  readonly query: URLSearchParams
  /** Texts for `Warning` header fields; repeated ones are sent once. */
  readonly warnings: Set<string>
  /** The connection of a request that asks to speak another protocol on it. */
  readonly upgrade?: Upgrade | undefined
}

export type Upgrade = {
  readonly socket: Socket
  /** What came after the request's head already. */
  readonly head: Buffer
}

export type Head = {
  readonly code: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

const JSON_TYPE = 'application/json'

/** Writes a complete answer. */
export function answer(exchange: Pick<Exchange, 'response' | 'warnings'>, head: Head, body: string | Uint8Array): void {
  const { response, warnings } = exchange
  if (response.destroyed || response.headersSent) return
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(head.code, {
    'Cache-Control': 'no-cache, private',
    'Content-Type': head.type ?? JSON_TYPE,
    'Content-Length': String(bytes.byteLength),
    'X-Content-Type-Options': 'nosniff',
    ...(warnings.size === 0 ? {} : { Warning: warningFields(warnings) }),
    ...head.headers,
  })
  response.end(bytes)
}

export function answerStatus(
  exchange: Pick<Exchange, 'response' | 'warnings'>,
  status: Status,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(exchange, { code: status.code ?? 200, headers }, `${JSON.stringify(status)}\n`)
}

/** `299 - "text"` (RFC 7234 5.5). Header fields hold printable ASCII only. */
export function warningFields(warnings: Iterable<string>): string[] {
  return [...warnings].map((text) => {
    const printable = text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2048)
    return `299 - "${printable.replaceAll(/(["\\])/g, '\\$1')}"`
  })
}
