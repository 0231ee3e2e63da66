/** The two changes that server-side apply makes to an object: merging in what is applied, and taking out what no longer is. */
import type { FieldPath, FieldSet } from './field-set.ts'
import { pathKey } from './field-set.ts'
import type { JsonObject, JsonValue, MutableObject } from './json-value.ts'
import { isList, isObject, setMember } from './json-value.ts'
import type { TopologyLookup } from './owned-fields.ts'
import { elementOf, topologyAt } from './owned-fields.ts'

export function mergeApplied(live: JsonObject, applied: JsonObject, lookup: TopologyLookup): JsonObject {
  return merge(live, applied, { lookup, names: [] }) as JsonObject
}

type Place = { readonly lookup: TopologyLookup; readonly names: readonly string[] }

function merge(live: JsonValue | undefined, applied: JsonValue, place: Place): JsonValue {
  const topology = topologyAt(place.lookup, place.names)
  if (isObject(applied) && topology.kind === 'granular') {
    return mergeMembers(isObject(live) ? live : {}, applied, place)
  }
  if (!isList(applied) || !isList(live) || (topology.kind !== 'map' && topology.kind !== 'set')) return applied
  const result = [...live]
  const positions = new Map(live.map((item, i) => [elementOf(item, topology), i]))
  for (const item of applied) {
    const at = positions.get(elementOf(item, topology))
    const old = at === undefined ? undefined : result[at]
    const merged = isObject(item) && isObject(old) ? mergeMembers(old, item, place) : item
    if (at === undefined) result.push(merged)
    else result[at] = merged
  }
  return result
}

function mergeMembers(live: JsonObject, applied: JsonObject, place: Place): JsonObject {
  const result: MutableObject = { ...live }
  for (const [key, value] of Object.entries(applied)) {
    const before = Object.hasOwn(live, key) ? live[key] : undefined
    setMember(result, key, merge(before, value, { ...place, names: [...place.names, key] }))
  }
  return result
}

/** Without the given fields. Key fields stay while their item does; what becomes empty goes too. */
export function removeFields(object: JsonObject, fields: FieldSet, lookup: TopologyLookup): JsonObject {
  if (fields.size === 0) return object
  return prune(object, { lookup, names: [], path: [], fields, keep: [] }) as JsonObject
}

type PrunePlace = Place & { readonly path: FieldPath; readonly fields: FieldSet; readonly keep: readonly string[] }

function prune(value: JsonValue, place: PrunePlace): JsonValue | undefined {
  const topology = topologyAt(place.lookup, place.names)
  const isItem = place.path.at(-1)?.startsWith('k:') === true
  if (isObject(value) && (isItem || topology.kind === 'granular')) {
    const result: MutableObject = {}
    for (const [key, member] of Object.entries(value)) {
      const path = [...place.path, `f:${key}`]
      if (place.fields.has(pathKey(path)) && !place.keep.includes(key)) continue
      const kept = prune(member, { ...place, path, names: [...place.names, key], keep: [] })
      if (kept !== undefined) setMember(result, key, kept)
    }
    const emptied = Object.keys(result).length === 0 && Object.keys(value).length > 0
    return emptied && place.path.length > 0 ? undefined : result
  }
  if (!isList(value) || (topology.kind !== 'map' && topology.kind !== 'set')) return value
  const items = value.flatMap((item) => {
    const path = [...place.path, elementOf(item, topology)]
    if (place.fields.has(pathKey(path))) return []
    const kept = topology.kind === 'map' ? prune(item, { ...place, path, keep: topology.keys }) : item
    return kept === undefined ? [] : [kept]
  })
  return items.length === 0 && value.length > 0 ? undefined : items
}
