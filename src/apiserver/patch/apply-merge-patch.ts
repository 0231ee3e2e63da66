/** JSON merge patch (RFC 7396): null deletes, objects merge, everything else replaces. */
import type { JsonObject, JsonValue, MutableObject } from './json-value.ts'
import { isObject, setMember } from './json-value.ts'

export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch
  const base: JsonObject = isObject(target) ? target : {}
  const result: MutableObject = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else setMember(result, key, applyMergePatch(Object.hasOwn(base, key) ? base[key] : undefined, value))
  }
  return result
}
