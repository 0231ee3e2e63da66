/**
 * Sets of fields as server-side apply owns them (structured-merge-diff, fieldpath): a field is a path of elements `f:name`,
 * `k:{"port":80}` (item of a keyed list) and `v:"x"` (item of a set). On the wire they nest as FieldsV1.
 */
import type { JsonObject, MutableObject } from './json-value.ts'
import { isObject, setMember } from './json-value.ts'

export type FieldPath = readonly string[]

/** By the joined path. */
export type FieldSet = ReadonlyMap<string, FieldPath>

export function pathKey(path: FieldPath): string {
  return path.join('\0')
}

export function fieldSet(paths: Iterable<FieldPath>): Map<string, FieldPath> {
  return new Map([...paths].map((path) => [pathKey(path), path]))
}

export function union(...sets: readonly FieldSet[]): Map<string, FieldPath> {
  return new Map(sets.flatMap((set) => [...set]))
}

export function difference(set: FieldSet, other: ReadonlySet<string> | FieldSet): Map<string, FieldPath> {
  return new Map([...set].filter(([key]) => !other.has(key)))
}

export function encodeFields(set: FieldSet): JsonObject {
  const root: MutableObject = {}
  const members = new Set(set.keys())
  for (const path of [...set.values()].sort((a, b) => (pathKey(a) < pathKey(b) ? -1 : 1))) {
    let node = root
    for (const [i, element] of path.entries()) {
      // A member that has members below says so with a dot.
      if (i > 0 && members.has(pathKey(path.slice(0, i)))) node['.'] = {}
      if (!Object.hasOwn(node, element)) setMember(node, element, {})
      node = node[element] as MutableObject
    }
  }
  return root
}

export function decodeFields(fields: unknown): Map<string, FieldPath> {
  const paths: FieldPath[] = []
  const walk = (node: JsonObject, path: FieldPath): void => {
    const keys = Object.keys(node)
    if (path.length > 0 && (keys.length === 0 || keys.includes('.'))) paths.push(path)
    for (const key of keys) {
      const below = node[key]
      if (key !== '.' && isObject(below)) walk(below, [...path, key])
    }
  }
  if (isObject(fields)) walk(fields, [])
  return fieldSet(paths)
}

/** `.spec.ports[port=80,protocol="TCP"].name`, as conflicts name fields. */
export function printPath(path: FieldPath): string {
  return path
    .map((element) => {
      const text = element.slice(2)
      if (element.startsWith('f:')) return `.${text}`
      if (element.startsWith('v:')) return `[=${text}]`
      const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
    })
    .join('')
}
