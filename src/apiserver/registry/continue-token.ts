/** The opaque `continue` of chunked lists, in upstream's own form (apiserver storage/continue.go). */
import type { Status } from '#api'
import { badRequest } from '../status/index.ts'

export type ContinueToken = {
  /** The revision all pages are read at; -1: at head, whatever it is by then. */
  readonly revision: number
  /** The last key of the page before. */
  readonly after: string
}

export function encodeContinue(token: ContinueToken): string {
  const body = { v: 'meta.k8s.io/v1', rv: token.revision, start: `${token.after}\0` }
  return Buffer.from(JSON.stringify(body)).toString('base64url')
}

export function decodeContinue(text: string): { token: ContinueToken } | { refusal: Status } {
  const refuse = (why: string): { refusal: Status } => ({
    refusal: badRequest(`continue key is not valid: ${why}`),
  })
  let body: unknown
  try {
    body = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return refuse('the token cannot be decoded')
  }
  if (typeof body !== 'object' || body === null) return refuse('the token cannot be decoded')
  const { v, rv, start } = body as { v?: unknown; rv?: unknown; start?: unknown }
  if (v !== 'meta.k8s.io/v1') return refuse(`server does not recognize this encoded version ${JSON.stringify(v)}`)
  if (!Number.isSafeInteger(rv) || typeof start !== 'string') return refuse('incorrect encoded start resourceVersion')
  return { token: { revision: rv as number, after: start.endsWith('\0') ? start.slice(0, -1) : start } }
}
