/**
 * One finding of validation, in Kubernetes' terms (apimachinery util/validation/field): the reason, the path, and the
 * text without the path. Data, never thrown.
 */
export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueDuplicate'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError'

export type FieldError = {
  readonly reason: FieldErrorReason
  /** `spec.ports[0].port` */
  readonly field: string
  /** Without the field prefix: `Invalid value: 0: must be between 1 and 65535, inclusive` */
  readonly message: string
}

export function required(field: string, text = ''): FieldError {
  return { reason: 'FieldValueRequired', field, message: text === '' ? 'Required value' : `Required value: ${text}` }
}

export function invalid(field: string, value: unknown, text: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${printValue(value)}: ${text}` }
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${printValue(value)}` }
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = [...supported]
    .sort()
    .map((item) => JSON.stringify(item))
    .join(', ')
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${printValue(value)}${list === '' ? '' : `: supported values: ${list}`}`,
  }
}

export function forbidden(field: string, text: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${text}` }
}

export function tooLong(field: string, maxBytes: number): FieldError {
  return { reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxBytes} bytes` }
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return { reason: 'FieldValueTooMany', field, message: `Too many: ${actual}: must have at most ${max} items` }
}

/** The value is not even of the field's type. Decoding refuses such objects; this is the net below it. */
export function typeInvalid(field: string, value: unknown, expected: string): FieldError {
  return {
    reason: 'FieldValueTypeInvalid',
    field,
    message: `Invalid value: ${printValue(value)}: must be ${expected}`,
  }
}

export function internalError(field: string, text: string): FieldError {
  return { reason: 'InternalError', field, message: `Internal error: ${text}` }
}

function printValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value)
}
