/** What a structural schema makes of a value before it is judged (KEP-1693): unknown fields out, defaults in. */
import type { JsonSchema } from '#api'

const MAX_DEPTH = 200
const MAX_UNKNOWN = 100

/** The value without fields that the schema does not know, whose paths are added to `unknown`. */
export function prune(schema: JsonSchema, value: unknown, unknown: string[]): unknown {
  return walk(schema, value, { path: '', unknown, depth: 0 })
}

type Place = { readonly path: string; readonly unknown: string[]; readonly depth: number }

function walk(schema: JsonSchema, value: unknown, place: Place): unknown {
  if (place.depth > MAX_DEPTH) return undefined
  if (Array.isArray(value)) {
    const { items } = schema
    if (items === undefined) return value
    return value.map((item: unknown, i) =>
      walk(items, item, { ...place, path: `${place.path}[${i}]`, depth: place.depth + 1 }),
    )
  }
  if (!isObject(value)) return value
  const entries: [string, unknown][] = []
  for (const [key, member] of Object.entries(value)) {
    const path = place.path === '' ? key : `${place.path}.${key}`
    const known = memberSchema(schema, key)
    if (known === undefined) {
      if (place.unknown.length < MAX_UNKNOWN) place.unknown.push(path)
      continue
    }
    // A null that may not be one is as good as absent, so that a default can take its place.
    if (member === null && known !== 'any' && known.nullable !== true) continue
    entries.push([key, known === 'any' ? member : walk(known, member, { ...place, path, depth: place.depth + 1 })])
  }
  return Object.fromEntries(entries)
}

/** 'any': kept as it is. */
export function memberSchema(schema: JsonSchema, key: string): JsonSchema | 'any' | undefined {
  const { properties, additionalProperties } = schema
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key]
  if (typeof additionalProperties === 'object') return additionalProperties
  if (additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields'] === true) return 'any'
  const isResource = schema['x-kubernetes-embedded-resource'] === true
  return isResource && (key === 'apiVersion' || key === 'kind' || key === 'metadata') ? 'any' : undefined
}

/** Idempotent. */
export function withDefaults(schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : value.map((item: unknown) => withDefaults(items, item))
  }
  if (!isObject(value)) return value
  const result: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    const known = memberSchema(schema, key)
    const next = known === undefined || known === 'any' ? member : withDefaults(known, member)
    Object.defineProperty(result, key, { value: next, enumerable: true, writable: true, configurable: true })
  }
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined || Object.hasOwn(result, key)) continue
    result[key] = withDefaults(property, property.default)
  }
  return result
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
