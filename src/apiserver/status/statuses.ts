/** The Status bodies of kube-apiserver, word for word where clients match on the text (api-server.md 8.1). */
import type { FieldError, ResourceInfo, Status, StatusCause, StatusDetails } from '#api'

export type FailureFacts = {
  readonly code: number
  /** Absent for the few errors that upstream leaves unclassified. */
  readonly reason?: string
  readonly message: string
  readonly details?: StatusDetails
}

export function failure(facts: FailureFacts): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: facts.message,
    ...(facts.reason === undefined ? {} : { reason: facts.reason }),
    ...(facts.details === undefined ? {} : { details: facts.details }),
    code: facts.code,
  }
}

export function success(details: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}

/** `services`, or `ingresses.networking.k8s.io` outside the core group. */
export function qualifiedResource(info: ResourceInfo): string {
  return info.group === '' ? info.resource : `${info.resource}.${info.group}`
}

export function qualifiedKind(info: ResourceInfo): string {
  return info.group === '' ? info.kind : `${info.kind}.${info.group}`
}

/** `details` of errors about one object: the kind member holds the plural. */
export function objectDetails(info: ResourceInfo, name: string, rest: StatusDetails = {}): StatusDetails {
  return { name, ...(info.group === '' ? {} : { group: info.group }), kind: info.resource, ...rest }
}

export function badRequest(message: string): Status {
  return failure({ code: 400, reason: 'BadRequest', message })
}

export function unauthorized(): Status {
  return failure({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' })
}

export function notFound(info: ResourceInfo, name: string): Status {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: `${qualifiedResource(info)} "${name}" not found`,
    details: objectDetails(info, name),
  })
}

/** A path inside a known group version that leads nowhere. */
export function noSuchResource(): Status {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  })
}

export function methodNotAllowed(): Status {
  return failure({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  })
}

export function forbiddenObject(
  info: ResourceInfo,
  name: string,
  rest: { text: string; causes?: StatusCause[] },
): Status {
  const subject = name === '' ? qualifiedResource(info) : `${qualifiedResource(info)} "${name}"`
  return failure({
    code: 403,
    reason: 'Forbidden',
    message: `${subject} is forbidden: ${rest.text}`,
    details: objectDetails(info, name, rest.causes === undefined ? {} : { causes: rest.causes }),
  })
}

export function alreadyExists(info: ResourceInfo, name: string): Status {
  return failure({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualifiedResource(info)} "${name}" already exists`,
    details: objectDetails(info, name),
  })
}

export const MODIFIED_TEXT =
  'the object has been modified; please apply your changes to the latest version and try again'

export function conflict(info: ResourceInfo, name: string, text: string = MODIFIED_TEXT): Status {
  return failure({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualifiedResource(info)} "${name}": ${text}`,
    details: objectDetails(info, name),
  })
}

export function invalidObject(
  subject: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): Status {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))]
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`
  return failure({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: {
      name,
      ...(subject.group === '' ? {} : { group: subject.group }),
      kind: subject.kind,
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  })
}

/** Invalid request options, reported on a kind such as `ListOptions` with an empty name. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): Status {
  return invalidObject({ group: 'meta.k8s.io', kind }, '', errors)
}

/** JSON patch whose test or path fails. */
export function unprocessable(): Status {
  return failure({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  })
}

export function expired(message: string): Status {
  return failure({ code: 410, reason: 'Expired', message })
}

export function futureRevision(asked: string, current: number): Status {
  return failure({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  })
}

export function bodyTooLarge(limit: number): Status {
  return failure({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${limit}`,
  })
}

export function unsupportedMediaType(accepted: readonly string[]): Status {
  return failure({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  })
}

export function internalError(text: string): Status {
  return failure({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${text}`,
    details: { causes: [{ message: text }] },
  })
}
