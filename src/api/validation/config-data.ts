/** ConfigMap and Secret: keys, total size, immutability (core/validation; api-server.md 14.5). */
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, required, tooLong } from './field-error.ts'
import { configKey } from './name-rules.ts'
import type { Fields } from './read-value.ts'
import { booleanAt, recordAt, sameValue, textAt, textMapAt } from './read-value.ts'

/** The data of one object together. */
const MAX_DATA_BYTES = 1024 * 1024

const TLS_KEYS: readonly string[] = ['tls.crt', 'tls.key']
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export function validateConfigMap(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  const data = textMapAt(errors, 'data', object['data'])
  const binary = textMapAt(errors, 'binaryData', object['binaryData'])
  booleanAt(errors, 'immutable', object['immutable'])
  let bytes = 0
  for (const [key, text] of Object.entries(data)) {
    errors.push(...configKey(key).map((problem) => invalid(`data[${key}]`, key, problem)))
    if (Object.hasOwn(binary, key)) {
      errors.push(invalid(`data[${key}]`, key, `duplicate of key present in binaryData`))
    }
    bytes += Buffer.byteLength(text)
  }
  for (const [key, text] of Object.entries(binary)) {
    errors.push(...configKey(key).map((problem) => invalid(`binaryData[${key}]`, key, problem)))
    bytes += decodedLength(errors, `binaryData[${key}]`, text)
  }
  if (bytes > MAX_DATA_BYTES) errors.push(tooLong('', MAX_DATA_BYTES))
  return errors
}

export function validateConfigMapUpdate(value: unknown, old: unknown): readonly FieldError[] {
  return [...frozenErrors(value, old, ['data', 'binaryData']), ...validateConfigMap(value)]
}

export function validateSecret(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  const data = textMapAt(errors, 'data', object['data'])
  booleanAt(errors, 'immutable', object['immutable'])
  let bytes = 0
  for (const [key, text] of Object.entries(data)) {
    errors.push(...configKey(key).map((problem) => invalid(`data[${key}]`, key, problem)))
    bytes += decodedLength(errors, `data[${key}]`, text)
  }
  if (bytes > MAX_DATA_BYTES) errors.push(tooLong('data', MAX_DATA_BYTES))
  if (textAt(errors, 'type', object['type']) === 'kubernetes.io/tls') {
    for (const key of TLS_KEYS) if (!Object.hasOwn(data, key)) errors.push(required(`data[${key}]`))
  }
  return errors
}

export function validateSecretUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const [object, before] = [recordAt([], '', value), recordAt([], '', old)]
  if (!sameValue(object['type'], before['type'])) errors.push(invalid('type', object['type'], 'field is immutable'))
  return [...errors, ...frozenErrors(value, old, ['data']), ...validateSecret(value)]
}

function frozenErrors(value: unknown, old: unknown, keys: readonly string[]): readonly FieldError[] {
  const before: Fields = recordAt([], '', old)
  if (before['immutable'] !== true) return []
  const object: Fields = recordAt([], '', value)
  const text = 'field is immutable when `immutable` is set'
  return [
    ...(object['immutable'] === true ? [] : [forbidden('immutable', text)]),
    ...keys.filter((key) => !sameValue(object[key], before[key])).map((key) => forbidden(key, text)),
  ]
}

function decodedLength(errors: FieldError[], field: string, text: string): number {
  if (!BASE64.test(text)) errors.push(invalid(field, '<binary>', 'must be base64'))
  return Math.floor((text.length * 3) / 4)
}
