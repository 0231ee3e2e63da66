/** HTTP status and Status body to a SignalboxError (the table of api-client.ts; reasons: api-server.md 8.1). */
import type { Status } from '#api'
import type { ErrorCode } from '#lib'
import { SignalboxError } from '#lib'

export type FailedRequest = {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: string
}

export function classifyFailure(request: FailedRequest): SignalboxError {
  return errorFromStatus(parseStatus(request.body), request)
}

/** Also for the Status inside an ERROR watch event, where HTTP said 200. */
export function errorFromStatus(
  status: Partial<Status> | undefined,
  request: Omit<FailedRequest, 'body'>,
): SignalboxError {
  const code = status?.code ?? request.status
  const reason = status?.reason ?? ''
  const message =
    status?.message === undefined || status.message === ''
      ? `${request.method} ${request.path} was answered with ${code}`
      : status.message
  const retryAfter = status?.details?.retryAfterSeconds
  return new SignalboxError(codeOf(code, reason), message, {
    facts: {
      status: code,
      method: request.method,
      path: request.path,
      ...(reason === '' ? {} : { reason }),
      ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
    },
  })
}

function codeOf(status: number, reason: string): ErrorCode {
  if (status === 410 || reason === 'Expired' || reason === 'Gone') return 'SBX_API_EXPIRED'
  if (status === 404) return 'SBX_API_NOT_FOUND'
  if (status === 409) return reason === 'AlreadyExists' ? 'SBX_API_ALREADY_EXISTS' : 'SBX_API_CONFLICT'
  if (status === 422) return 'SBX_API_INVALID'
  if (status === 403) return 'SBX_API_FORBIDDEN'
  if (status === 401) return 'SBX_API_UNAUTHORIZED'
  if (status === 429 || status >= 500) return 'SBX_API_UNAVAILABLE'
  return 'SBX_API_REJECTED'
}

function parseStatus(body: string): Partial<Status> | undefined {
  try {
    const parsed = JSON.parse(body) as Partial<Status> | null
    return typeof parsed === 'object' && parsed !== null && parsed.kind === 'Status' ? parsed : undefined
  } catch {
    // Proxies and the mux answer in plain text; the HTTP status is then all there is.
    return undefined
  }
}
