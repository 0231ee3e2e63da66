/**
 * Walks a value along its schema. Refuses what Go's decoder would refuse, in its words (`json: cannot unmarshal string into
 * Go struct field ServicePort.spec.ports.port of type int32`), and builds the value Go would print again.
 */
import type { SchemaNode } from '../schema/index.ts'
import { PRESENCE, referenceOf, resolveNode, schemaNamed } from '../schema/index.ts'
import { childPath, MAX_DEPTH } from './parse-json.ts'
import { readMicroTime, readTime } from './read-time.ts'

/** Ends the walk at the first value of a wrong type, as Go does. */
export class Mismatch extends Error {}

type Place = {
  /** With indices, for unknown fields: `spec.ports[0].portt`. */
  readonly path: string
  /** Without, for type errors: `spec.ports.port`. */
  readonly goPath: string
  readonly struct: string
  readonly depth: number
}

const MAX_UNKNOWN = 100
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const INTEGER_LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}
const QUANTITY = /^[+-]?(\d+(\.\d*)?|\.\d+)(([eE][+-]?\d+)|[numkKMGTPE]|[KMGTPE]i)?$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export class SchemaReader {
  readonly unknown: string[] = []

  root(schemaName: string, value: unknown): unknown {
    const place = { path: '', goPath: '', struct: goName(schemaName), depth: 0 }
    return this.#named(schemaName, value, place) ?? {}
  }

  /** Undefined: as good as absent. */
  #node(node: SchemaNode, value: unknown, place: Place): unknown {
    if (value === null || value === undefined) return undefined
    if (place.depth > MAX_DEPTH) throw new Mismatch(`exceeded max depth of ${MAX_DEPTH}`)
    const name = referenceOf(node)
    if (name !== undefined) return this.#named(name, value, place)
    switch (node.type) {
      case 'array':
        return this.#list(node, value, place)
      case 'object':
        return this.#map(node, value, place)
      case 'string':
        return readString(node, value, place)
      case 'integer':
        return readInteger(node.format ?? 'int64', value, place)
      case 'number':
        if (typeof value === 'number' && Number.isFinite(value)) return value
        throw mismatch(value, 'float64', place)
      case 'boolean':
        if (typeof value === 'boolean') return value
        throw mismatch(value, 'bool', place)
      case undefined:
        return value
    }
  }

  #named(name: string, value: unknown, place: Place): unknown {
    if (value === null || value === undefined) return undefined
    const struct = structOf(name)
    if (struct.special !== undefined) return struct.special(value, place)
    const { properties } = struct
    if (properties === undefined) return this.#node(struct.schema, value, place)
    if (!isObject(value)) throw mismatch(value, `${packageOf(name)}.${struct.goName}`, place)
    const entries: [string, unknown][] = []
    for (const [key, field] of Object.entries(value)) {
      const path = childPath(place.path, key)
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined
      if (property === undefined) {
        if (this.unknown.length < MAX_UNKNOWN) this.unknown.push(path)
        continue
      }
      const below = { path, goPath: childPath(place.goPath, key), struct: struct.goName, depth: place.depth + 1 }
      const read = this.#node(property, field, below)
      if (read === undefined || (isEmpty(read, property) && !struct.kept.has(key))) continue
      entries.push([key, read])
    }
    return Object.fromEntries(entries)
  }

  #list(node: SchemaNode, value: unknown, place: Place): unknown {
    const item = node.items ?? {}
    if (!Array.isArray(value)) throw mismatch(value, `[]${goType(item)}`, place)
    return value.map((one: unknown, i) => {
      const below = { ...place, path: `${place.path}[${i}]`, depth: place.depth + 1 }
      return this.#node(item, one, below) ?? zeroOf(item)
    })
  }

  #map(node: SchemaNode, value: unknown, place: Place): unknown {
    if (!isObject(value)) {
      throw mismatch(value, node.additionalProperties === undefined ? 'map[string]interface {}' : goType(node), place)
    }
    const item = node.additionalProperties
    // FieldsV1, RawExtension: any object, kept as it is.
    if (item === undefined) {
      if (deeperThan(value, MAX_DEPTH)) throw new Mismatch(`exceeded max depth of ${MAX_DEPTH}`)
      return value
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => {
        const below = { ...place, path: childPath(place.path, key), depth: place.depth + 1 }
        return [key, this.#node(item, one, below) ?? zeroOf(item)]
      }),
    )
  }
}

type Struct = {
  readonly schema: SchemaNode
  readonly goName: string
  readonly properties: SchemaNode['properties']
  /** Fields that stay when they are zero: those without `omitempty`, and pointers. */
  readonly kept: ReadonlySet<string>
  /** For types that are scalars in JSON. */
  readonly special: ((value: unknown, place: Place) => unknown) | undefined
}

const structs = new Map<string, Struct>()

function structOf(name: string): Struct {
  const known = structs.get(name)
  if (known !== undefined) return known
  const schema = schemaNamed(name) ?? {}
  const message = name.replace(/^io\.k8s\./, 'k8s.io.')
  // An EphemeralContainer has the pointers of the struct it embeds.
  const pointers = PRESENCE[message] ?? PRESENCE[`${message}Common`] ?? []
  const struct: Struct = {
    schema,
    goName: goName(name),
    properties: schema.properties,
    kept: new Set([...(schema.required ?? []), ...pointers]),
    special: specialReader(name),
  }
  structs.set(name, struct)
  return struct
}

function specialReader(name: string): Struct['special'] {
  if (name === `${META}Time`) return (value, place) => readTime(value, (what) => fail(what, value, place))
  if (name === `${META}MicroTime`) return (value, place) => readMicroTime(value, (what) => fail(what, value, place))
  if (name.endsWith('.IntOrString')) return readIntOrString
  return name.endsWith('.Quantity') ? readQuantity : undefined
}

function readString(node: SchemaNode, value: unknown, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, node.format === 'byte' ? '[]uint8' : 'string', place)
  if (node.format === 'byte') {
    const compact = value.replace(/[\r\n]/g, '')
    if (!BASE64.test(compact)) throw new Mismatch('illegal base64 data at input byte 0')
    return compact
  }
  return value
}

function readInteger(format: string, value: unknown, place: Place): number {
  const [low, high] = INTEGER_LIMITS[format] ?? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) {
    return value === 0 ? 0 : value
  }
  throw mismatch(value, format, place)
}

function readIntOrString(value: unknown, place: Place): number | string {
  return typeof value === 'string' ? value : readInteger('int32', value, place)
}

function readQuantity(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text === 'string' && QUANTITY.test(text)) return text
  throw new Mismatch("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}

/** Go's `omitempty`: structs are never empty, everything else can be. */
function isEmpty(value: unknown, node: SchemaNode): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isObject(value)) return Object.keys(value).length === 0 && resolveNode(node).additionalProperties !== undefined
  return value === '' || value === 0 || value === false
}

function zeroOf(node: SchemaNode): unknown {
  const { type } = resolveNode(node)
  if (type === 'object') return {}
  if (type === 'array') return []
  if (type === 'boolean') return false
  return type === 'integer' || type === 'number' ? 0 : ''
}

/** `what`: 'type', or the text to fail with. */
function fail(what: string, value: unknown, place: Place): Mismatch {
  return what === 'type' ? mismatch(value, 'string', place) : new Mismatch(what)
}

function mismatch(value: unknown, goTypeName: string, place: Place): Mismatch {
  const field = place.goPath === '' ? 'Go value' : `Go struct field ${place.struct}.${place.goPath}`
  return new Mismatch(`json: cannot unmarshal ${jsonWord(value)} into ${field} of type ${goTypeName}`)
}

function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') {
    return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 'number' : `number ${value}`
  }
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function goType(node: SchemaNode): string {
  const name = referenceOf(node)
  if (name !== undefined) return `${packageOf(name)}.${goName(name)}`
  if (node.type === 'array') return `[]${goType(node.items ?? {})}`
  if (node.type === 'object') return `map[string]${goType(node.additionalProperties ?? {})}`
  if (node.type === 'integer') return node.format ?? 'int64'
  if (node.type === 'boolean') return 'bool'
  return node.format === 'byte' ? '[]uint8' : 'string'
}

/** `io.k8s.api.core.v1.ServicePort` is ServicePort of package v1. */
function goName(schemaName: string): string {
  return schemaName.slice(schemaName.lastIndexOf('.') + 1)
}

function packageOf(schemaName: string): string {
  return schemaName.split('.').at(-2) ?? ''
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth <= 0 || Object.values(value).some((item) => deeperThan(item, depth - 1))
}
