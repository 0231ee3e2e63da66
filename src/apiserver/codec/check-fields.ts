/**
 * Whether an object has the shape of its kind, and the object as Go would have read it: unknown fields are found and left
 * out, wrong types are refused in every mode with the text of Go's decoder, and values that Go cannot tell from absent
 * (null, and zero values of fields that are no pointers) are left out, so that writes which mean the same are the same.
 */
import type { KubeObject } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import { schemaNamed } from '../schema/index.ts'
import { Mismatch, SchemaReader } from './schema-reader.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

export type Refusal = { readonly code: number; readonly reason: string; readonly message: string }

/** `object` is what may be stored: without unknown fields and empty values. */
export type CheckResult =
  { readonly object: KubeObject; readonly warnings: readonly string[] } | { readonly refusal: Refusal }

export function badRequest(message: string): Refusal {
  return { code: 400, reason: 'BadRequest', message }
}

/** For objects that came out of a patch; bodies are checked by `decodeBody` already. */
export function checkFields(kind: KindDefinition, object: unknown, mode: FieldValidation): CheckResult {
  return checkFindings(kind, { value: object, duplicates: [] }, mode)
}

export function checkFindings(
  kind: KindDefinition,
  parsed: { readonly value: unknown; readonly duplicates: readonly string[] },
  mode: FieldValidation,
): CheckResult {
  const { kind: name, version } = kind.info
  const head = `${name} in version "${version}" cannot be handled as a ${name}`
  const read = kind.read === undefined ? readAs(kind.schema, parsed.value) : kind.read(parsed.value)
  if ('problem' in read) return { refusal: badRequest(`${head}: ${read.problem}`) }
  const findings = [
    ...parsed.duplicates.map((path) => `duplicate field "${path}"`),
    ...read.unknown.map((path) => `unknown field "${path}"`),
  ]
  if (mode === 'Strict' && findings.length > 0) {
    return { refusal: badRequest(`${head}: strict decoding error: ${findings.join(', ')}`) }
  }
  const object = withReset(read.value as KubeObject, parsed.value as Partial<KubeObject>)
  return { object, warnings: mode === 'Warn' ? findings : [] }
}

/** The one empty list with a meaning: `managedFields: []` asks to forget who owns what (managedfields/fieldmanager.go). */
function withReset(object: KubeObject, { metadata }: Partial<KubeObject>): KubeObject {
  if (metadata?.managedFields?.length !== 0) return object
  return { ...object, metadata: { ...object.metadata, managedFields: [] } }
}

/** Any value against a named schema. */
export function readAs(
  schemaName: string,
  value: unknown,
): { readonly value: unknown; readonly unknown: readonly string[] } | { readonly problem: string } {
  const schema = schemaNamed(schemaName)
  if (schema === undefined) return { value, unknown: [] }
  const reader = new SchemaReader()
  try {
    return { value: reader.root(schemaName, value), unknown: reader.unknown }
  } catch (error) {
    if (error instanceof Mismatch) return { problem: error.message }
    throw error
  }
}
