/**
 * Which fields an object sets, and the value at each: the walk that server-side apply's comparisons rest on. The schema
 * decides what is one field (an atomic list, a scalar) and what has parts (structs, maps, keyed lists, sets).
 */
import type { FieldPath, FieldSet } from './field-set.ts'
import { fieldSet, pathKey } from './field-set.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { isList, isObject } from './json-value.ts'

export type Topology = {
  readonly kind: 'atomic' | 'set' | 'map' | 'granular'
  readonly keys: readonly string[]
  readonly keyDefaults: Readonly<Record<string, unknown>>
}

/** By field names; list items are entered without a step. Unknown fields are atomic. */
export type TopologyLookup = (path: readonly string[]) => Topology | undefined

const ATOMIC: Topology = { kind: 'atomic', keys: [], keyDefaults: {} }

export function topologyAt(lookup: TopologyLookup, names: readonly string[]): Topology {
  return names.length === 0 ? { ...ATOMIC, kind: 'granular' } : (lookup(names) ?? ATOMIC)
}

/** The element that names an item of a keyed list or a set. */
export function elementOf(item: JsonValue, topology: Topology): string {
  if (topology.kind === 'set') return `v:${JSON.stringify(item)}`
  const keys = [...topology.keys].sort().flatMap((key) => {
    const value = (isObject(item) ? item[key] : undefined) ?? (topology.keyDefaults[key] as JsonValue | undefined)
    return value === undefined ? [] : [[key, value] as const]
  })
  return `k:${JSON.stringify(Object.fromEntries(keys))}`
}

/** Every field the object sets, with its value. Items of keyed lists are fields themselves, beside their parts. */
export function ownedValues(
  object: JsonObject,
  lookup: TopologyLookup,
  onDuplicate: (item: FieldPath) => void = () => undefined,
): Map<string, { path: FieldPath; value: JsonValue }> {
  const found = new Map<string, { path: FieldPath; value: JsonValue }>()
  const add = (path: FieldPath, value: JsonValue): void => void found.set(pathKey(path), { path, value })
  const walk = (value: JsonValue, path: FieldPath, names: readonly string[]): void => {
    const topology = topologyAt(lookup, names)
    if (isObject(value) && topology.kind === 'granular') {
      const members = Object.entries(value).filter(([, member]) => member !== undefined)
      if (members.length === 0 && path.length > 0) add(path, {})
      for (const [key, member] of members) walk(member, [...path, `f:${key}`], [...names, key])
    } else if (isList(value) && (topology.kind === 'map' || topology.kind === 'set')) {
      if (value.length === 0) add(path, [])
      for (const item of value) {
        const itemPath = [...path, elementOf(item, topology)]
        if (found.has(pathKey(itemPath))) onDuplicate(itemPath)
        // Being there is what the item itself stands for; its content is in the fields below.
        add(itemPath, topology.kind === 'map' ? null : item)
        if (topology.kind !== 'map' || !isObject(item)) continue
        for (const [key, member] of Object.entries(item)) walk(member, [...itemPath, `f:${key}`], [...names, key])
      }
    } else {
      add(path, value)
    }
  }
  walk(object, [], [])
  return found
}

/** Identity and the server's own fields belong to nobody (api-server.md 10.3). */
const NEVER_OWNED = [
  'uid',
  'name',
  'namespace',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]

export function withoutIdentity(object: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object
  if (!isObject(metadata)) return rest
  const own = Object.fromEntries(Object.entries(metadata).filter(([key]) => !NEVER_OWNED.includes(key)))
  return Object.keys(own).length === 0 ? rest : { metadata: own, ...rest }
}

export function ownedFields(object: JsonObject, lookup: TopologyLookup): FieldSet {
  return fieldSet([...ownedValues(withoutIdentity(object), lookup).values()].map(({ path }) => path))
}
