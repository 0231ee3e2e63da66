/**
 * Reads parts of an object that nobody has vouched for. Absent and null read as the empty value, as they do in Go;
 * a wrong type is a finding in `errors` and reads as the empty value too, so that validators never throw.
 */
import type { FieldError } from './field-error.ts'
import { typeInvalid } from './field-error.ts'

export type Fields = Readonly<Record<string, unknown>>

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function recordAt(errors: FieldError[], field: string, value: unknown): Fields {
  if (isRecord(value)) return value
  if (value !== undefined && value !== null) errors.push(typeInvalid(field, value, 'an object'))
  return {}
}

export function listAt(errors: FieldError[], field: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[]
  if (value !== undefined && value !== null) errors.push(typeInvalid(field, value, 'a list'))
  return []
}

export function textAt(errors: FieldError[], field: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (value !== undefined && value !== null) errors.push(typeInvalid(field, value, 'a string'))
  return ''
}

/** Absent reads as 0. */
export function integerAt(errors: FieldError[], field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (value !== undefined && value !== null) errors.push(typeInvalid(field, value, 'an integer'))
  return 0
}

export function booleanAt(errors: FieldError[], field: string, value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value !== undefined && value !== null) errors.push(typeInvalid(field, value, 'a boolean'))
  return undefined
}

export function textListAt(errors: FieldError[], field: string, value: unknown): readonly string[] {
  return listAt(errors, field, value).map((item, i) => textAt(errors, `${field}[${i}]`, item))
}

/** Values that are no strings are reported and left out. */
export function textMapAt(errors: FieldError[], field: string, value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(recordAt(errors, field, value)).flatMap(([key, item]) => {
    const before = errors.length
    const text = textAt(errors, `${field}[${key}]`, item)
    return errors.length > before ? [] : [[key, text] as const]
  })
  return Object.fromEntries(entries)
}

/** Whether a field has been given at all (null counts as not given). */
export function given(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Equality of JSON values, keys in any order; absent and null are the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (!given(a) || !given(b)) return !given(a) && !given(b)
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameValue(item, (b as readonly unknown[])[i]))
  }
  if (isRecord(a) && isRecord(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => sameValue(a[key], b[key]))
  }
  return a === b
}
