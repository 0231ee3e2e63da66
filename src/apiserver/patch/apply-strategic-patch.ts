/**
 * Strategic merge patch: merge patch whose lists merge by key where the schema says so, with the directives `$patch`,
 * `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>` and `$retainKeys` (apimachinery util/strategicpatch;
 * api-server.md 10.2). `kubectl apply` of every built-in kind depends on it.
 */
import type { Status } from '#api'
import { badRequest, failure } from '../status/index.ts'
import type { JsonObject, JsonValue, MutableObject } from './json-value.ts'
import { isList, isObject, sameJson, setMember } from './json-value.ts'

/** How the schema says the field at a path merges. List items are entered without a step. */
export type MergeLookup = (
  path: readonly string[],
) => { readonly strategy: 'merge' | 'replace'; readonly retainKeys: boolean; readonly mergeKey?: string } | undefined

const ORDER = '$setElementOrder/'
const PRIMITIVE_DELETE = '$deleteFromPrimitiveList/'

/** Nesting no object in scope reaches; a deeper patch would only exhaust the stack. */
const MAX_DEPTH = 100

class PatchProblem extends Error {
  readonly status: Status
  constructor(status: Status) {
    super(status.message ?? '')
    this.status = status
  }
}

export function applyStrategicPatch(
  target: JsonObject,
  patch: unknown,
  lookup: MergeLookup,
): { value: JsonObject } | { refusal: Status } {
  if (!isObject(patch)) return { refusal: badRequest('error decoding patch: the patch must be a JSON object') }
  try {
    return { value: mergeMap(target, patch, { path: [], lookup }) }
  } catch (error) {
    if (error instanceof PatchProblem) return { refusal: error.status }
    throw error
  }
}

type Place = { readonly path: readonly string[]; readonly lookup: MergeLookup }

function below(place: Place, field: string): Place {
  if (place.path.length > MAX_DEPTH) throw new PatchProblem(badRequest('the patch is nested too deeply'))
  return { ...place, path: [...place.path, field] }
}

function mergeMap(original: JsonObject | undefined, patch: JsonObject, place: Place): JsonObject {
  const directive = patch['$patch']
  if (directive === 'replace') return cleaned(without(patch, '$patch'), place)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') throw new PatchProblem(unknownDirective(directive))

  const result: MutableObject = { ...original }
  const retain = patch['$retainKeys']
  if (retain !== undefined) {
    if (!isList(retain)) throw new PatchProblem(badRequest('invalid patch format of retainKeys list'))
    for (const key of Object.keys(result)) if (!retain.includes(key)) delete result[key]
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$patch' || key === '$retainKeys') continue
    if (key.startsWith(ORDER)) {
      const field = key.slice(ORDER.length)
      if (!Object.hasOwn(patch, field)) reorderOnly(result, { field, order: value }, below(place, field))
      continue
    }
    if (key.startsWith(PRIMITIVE_DELETE)) {
      const field = key.slice(PRIMITIVE_DELETE.length)
      const current = result[field]
      if (isList(current) && isList(value)) result[field] = current.filter((item) => !value.includes(item))
      continue
    }
    if (value === null) {
      delete result[key]
      continue
    }
    const current = Object.hasOwn(result, key) ? result[key] : undefined
    setMember(result, key, mergeField(current, { value, order: patch[`${ORDER}${key}`] }, below(place, key)))
  }
  return result
}

function mergeField(
  current: JsonValue | undefined,
  change: { value: JsonValue; order: JsonValue | undefined },
  place: Place,
): JsonValue {
  const { value, order } = change
  const rule = place.lookup(place.path)
  if (isObject(value)) {
    if (rule?.strategy === 'replace' && value['$patch'] === undefined) return value
    return mergeMap(isObject(current) ? current : undefined, value, place)
  }
  if (!isList(value)) return value
  if (rule?.strategy !== 'merge') return value.filter((item) => !(isObject(item) && item['$patch'] !== undefined))
  const list = isList(current) ? current : []
  if (rule.mergeKey === undefined) return inOrder(mergePrimitives(list, value), { order, server: list }, undefined)
  const merged = mergeKeyedList(list, value, { ...place, mergeKey: rule.mergeKey })
  return inOrder(merged, { order, server: list }, rule.mergeKey)
}

function mergePrimitives(current: readonly JsonValue[], patch: readonly JsonValue[]): JsonValue[] {
  return [...current, ...patch.filter((item) => !current.includes(item))]
}

function mergeKeyedList(
  current: readonly JsonValue[],
  patch: readonly JsonValue[],
  place: Place & { readonly mergeKey: string },
): JsonValue[] {
  const { mergeKey } = place
  if (patch.some((item) => isObject(item) && item['$patch'] === 'replace' && Object.keys(item).length === 1)) {
    return patch.filter((item) => !(isObject(item) && item['$patch'] === 'replace'))
  }
  let result = [...current]
  for (const item of patch) {
    if (!isObject(item)) throw new PatchProblem(badRequest('the list of the patch must hold objects'))
    if (!Object.hasOwn(item, mergeKey)) throw new PatchProblem(missingKey(item, mergeKey))
    const at = result.findIndex((other) => isObject(other) && sameJson(other[mergeKey], item[mergeKey]))
    if (item['$patch'] === 'delete') {
      result = result.filter((other) => !(isObject(other) && sameJson(other[mergeKey], item[mergeKey])))
    } else if (at < 0) {
      result.push(mergeMap(undefined, item, place))
    } else if (item['$patch'] === 'replace') {
      result[at] = without(item, '$patch')
    } else {
      result[at] = mergeMap(result[at] as JsonObject, item, place)
    }
  }
  return result
}

/**
 * Items named in the order list take its order; the others (which the client does not know) keep their place after the
 * neighbour they followed on the server.
 */
function inOrder(
  items: readonly JsonValue[],
  hints: { readonly order: JsonValue | undefined; readonly server: readonly JsonValue[] },
  mergeKey: string | undefined,
): JsonValue[] {
  if (!isList(hints.order)) return [...items]
  const keyOf = (item: JsonValue): JsonValue | undefined =>
    mergeKey === undefined ? item : isObject(item) ? item[mergeKey] : undefined
  const rank = (item: JsonValue): number =>
    (hints.order as readonly JsonValue[]).findIndex((entry) => sameJson(keyOf(entry), keyOf(item)))
  const known = items.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b))
  const result = [...known]
  const position = (item: JsonValue): number => hints.server.findIndex((other) => sameJson(keyOf(other), keyOf(item)))
  for (const item of items.filter((other) => rank(other) < 0)) {
    const own = position(item)
    const before = result.findLastIndex((other) => position(other) >= 0 && position(other) < own)
    result.splice(before + 1, 0, item)
  }
  return result
}

function reorderOnly(result: MutableObject, change: { field: string; order: JsonValue }, place: Place): void {
  const current = result[change.field]
  const rule = place.lookup(place.path)
  if (!isList(current) || rule?.strategy !== 'merge') return
  result[change.field] = inOrder(current, { order: change.order, server: current }, rule.mergeKey)
}

/** A replacing value still may carry directives below; they must not be stored. */
function cleaned(value: JsonObject, place: Place): JsonObject {
  return mergeMap(undefined, value, place)
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _dropped, ...rest } = object
  return rest
}

function unknownDirective(directive: JsonValue): Status {
  return failure({
    code: 500,
    message: `Unknown patch type: ${typeof directive === 'string' ? directive : JSON.stringify(directive)}`,
  })
}

/** Upstream prints Go's map form here (api-server.md 8.1). */
function missingKey(item: JsonObject, mergeKey: string): Status {
  const members = Object.keys(item)
    .sort()
    .map((key) => `${key}:${isObject(item[key]) || isList(item[key]) ? JSON.stringify(item[key]) : String(item[key])}`)
  return failure({
    code: 500,
    message: `map: map[${members.join(' ')}] does not contain declared merge key: ${mergeKey}`,
  })
}
