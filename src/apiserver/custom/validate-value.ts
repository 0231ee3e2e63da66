/**
 * A value against the schema of a CustomResourceDefinition, with the findings of kube-openapi's validator. CEL rules
 * (x-kubernetes-validations) are kept in the definition but not evaluated.
 */
import type { FieldError, JsonSchema } from '#api'
import { duplicate, invalid, notSupported, required, tooLong, tooMany } from '#api'
import { isAddress, familyOf, parseCidr } from '#lib'
import { isObject, memberSchema } from './prune-and-default.ts'

const MAX_ERRORS = 100

export function validateValue(schema: JsonSchema, value: unknown, field = ''): readonly FieldError[] {
  const errors: FieldError[] = []
  visit(schema, value, { field, errors })
  return errors
}

type Place = { readonly field: string; readonly errors: FieldError[] }

function visit(schema: JsonSchema, value: unknown, place: Place): void {
  const { field, errors } = place
  if (errors.length >= MAX_ERRORS) return
  if (value === null && schema.nullable === true) return
  const wrong = wrongType(schema, value)
  if (wrong !== undefined) {
    errors.push(
      invalid(field, typeName(value), `${name(field)} in body must be of type ${wrong}: "${typeName(value)}"`),
    )
    return
  }
  const options = schema.enum
  if (options !== undefined && !options.some((option) => same(option, value))) {
    errors.push(
      notSupported(
        field,
        value,
        options.map((option) => (typeof option === 'string' ? option : JSON.stringify(option))),
      ),
    )
  }
  if (typeof value === 'number') numberErrors(schema, value, place)
  if (typeof value === 'string') textErrors(schema, value, place)
  if (Array.isArray(value)) listErrors(schema, value, place)
  if (isObject(value)) objectErrors(schema, value, place)
  combined(schema, value, place)
}

function numberErrors(schema: JsonSchema, value: number, { field, errors }: Place): void {
  const { minimum, maximum, multipleOf } = schema
  const say = (text: string): void =>
    void errors.push(invalid(field, value, `${name(field)} in body should be ${text}`))
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true && value <= minimum) say(`greater than ${minimum}`)
    else if (value < minimum) say(`greater than or equal to ${minimum}`)
  }
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true && value >= maximum) say(`less than ${maximum}`)
    else if (value > maximum) say(`less than or equal to ${maximum}`)
  }
  if (multipleOf !== undefined && multipleOf > 0 && !Number.isInteger(value / multipleOf))
    say(`a multiple of ${multipleOf}`)
  if (schema.format === 'int32' && (value < -(2 ** 31) || value > 2 ** 31 - 1)) say('of type int32')
}

function textErrors(schema: JsonSchema, value: string, { field, errors }: Place): void {
  const { minLength, maxLength, pattern, format } = schema
  const length = Array.from(value).length
  if (maxLength !== undefined && length > maxLength) errors.push(tooLong(field, maxLength))
  if (minLength !== undefined && length < minLength) {
    errors.push(invalid(field, value, `${name(field)} in body should be at least ${minLength} chars long`))
  }
  if (pattern !== undefined && !regexOf(pattern).test(value)) {
    errors.push(invalid(field, value, `${name(field)} in body should match '${pattern}'`))
  }
  if (format !== undefined && !fitsFormat(format, value)) {
    errors.push(invalid(field, value, `${name(field)} in body must be of type ${format}: "${value}"`))
  }
}

function listErrors(schema: JsonSchema, value: readonly unknown[], place: Place): void {
  const { field, errors } = place
  const { items, minItems, maxItems } = schema
  if (maxItems !== undefined && value.length > maxItems) {
    errors.push(tooMany(field, value.length, maxItems))
    return
  }
  if (minItems !== undefined && value.length < minItems) {
    errors.push(invalid(field, value.length, `${name(field)} in body should have at least ${minItems} items`))
  }
  if (items !== undefined) value.forEach((item, i) => visit(items, item, { ...place, field: `${field}[${i}]` }))
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (listType !== 'set' && listType !== 'map' && schema.uniqueItems !== true) return
  const seen = new Set<string>()
  value.forEach((item, i) => {
    const defaults = items?.properties ?? {}
    const identity =
      listType === 'map' && isObject(item) ? keys.map((key) => item[key] ?? defaults[key]?.default) : item
    const text = JSON.stringify(identity)
    if (seen.has(text)) errors.push(duplicate(`${field}[${i}]`, item))
    seen.add(text)
  })
}

function objectErrors(schema: JsonSchema, value: Readonly<Record<string, unknown>>, place: Place): void {
  const { field, errors } = place
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) errors.push(required(child(field, key)))
  }
  const count = Object.keys(value).length
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    errors.push(tooMany(field, count, schema.maxProperties))
  }
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    errors.push(invalid(field, count, `${name(field)} in body should have at least ${schema.minProperties} properties`))
  }
  for (const [key, member] of Object.entries(value)) {
    const known = memberSchema(schema, key)
    if (known !== undefined && known !== 'any') visit(known, member, { ...place, field: child(field, key) })
  }
}

function combined(schema: JsonSchema, value: unknown, { field, errors }: Place): void {
  const fits = (part: JsonSchema): boolean => validateValue(part, value, field).length === 0
  for (const part of schema.allOf ?? []) errors.push(...validateValue(part, value, field))
  if (schema.anyOf !== undefined && !isIntOrString(schema) && !schema.anyOf.some(fits)) {
    errors.push(invalid(field, value, `${name(field)} in body must validate at least one schema (anyOf)`))
  }
  if (schema.oneOf !== undefined && schema.oneOf.filter(fits).length !== 1) {
    errors.push(invalid(field, value, `${name(field)} in body must validate one and only one schema (oneOf)`))
  }
  if (schema.not !== undefined && fits(schema.not)) {
    errors.push(invalid(field, value, `${name(field)} in body must not validate the schema (not)`))
  }
}

function isIntOrString(schema: JsonSchema): boolean {
  return schema['x-kubernetes-int-or-string'] === true
}

/** The type the schema wants, if the value is of another. */
function wrongType(schema: JsonSchema, value: unknown): string | undefined {
  if (isIntOrString(schema)) {
    return typeof value === 'string' || Number.isInteger(value) ? undefined : 'integer,string'
  }
  const { type } = schema
  if (type === undefined) return undefined
  const is = typeName(value)
  return is === type || (type === 'number' && is === 'integer') ? undefined : type
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function fitsFormat(format: string, value: string): boolean {
  switch (format) {
    case 'ipv4':
      return isAddress(value) && familyOf(value) === 'IPv4'
    case 'ipv6':
      return isAddress(value) && familyOf(value) === 'IPv6'
    case 'cidr':
      return parseCidr(value) !== undefined
    case 'date-time':
      return (
        /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(value) &&
        !Number.isNaN(Date.parse(value))
      )
    case 'uuid':
      return /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(value)
    case 'byte':
      return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
    default:
      // Formats that a server does not know say nothing.
      return true
  }
}

const compiled = new Map<string, RegExp>()

function regexOf(pattern: string): RegExp {
  let regex = compiled.get(pattern)
  if (regex === undefined) compiled.set(pattern, (regex = new RegExp(pattern)))
  return regex
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function child(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`
}

function name(field: string): string {
  return field === '' ? '(root)' : field
}
