/**
 * How lists and maps of a kind are merged: by strategic merge patch (api-server.md 10.2, OpenAPI
 * `x-kubernetes-patch-*`) and by server-side apply (10.3, `x-kubernetes-list-*`, `x-kubernetes-map-type`).
 */
import type { SchemaNode } from './schema-data.ts'
import { nodeAt, resolveNode } from './schema-data.ts'

export type PatchStrategy = {
  readonly shape: 'map' | 'list' | 'scalar'
  /** Maps merge unless told otherwise, lists replace unless told otherwise. */
  readonly strategy: 'merge' | 'replace'
  readonly retainKeys: boolean
  /** Key of the list's items; absent: items are scalars, or the list is replaced. */
  readonly mergeKey?: string
}

export type ApplyTopology = {
  readonly shape: 'map' | 'list' | 'scalar'
  /** Lists: atomic, set or map. Maps: atomic or granular. Scalars: atomic. */
  readonly kind: 'atomic' | 'set' | 'map' | 'granular'
  /** For `map` lists: the key fields in schema order. */
  readonly keys: readonly string[]
  /** Defaults of key fields, for items that omit them (`protocol: TCP`). */
  readonly keyDefaults: Readonly<Record<string, unknown>>
}

/** `path` holds field names only; list items are entered without a step (`['spec', 'containers', 'ports']`). */
export function patchStrategy(schemaName: string, path: readonly string[]): PatchStrategy | undefined {
  const found = nodeAt(schemaName, path)
  if (found === undefined) return undefined
  const shape = shapeOf(found.node)
  const strategies = (found.pointer['x-kubernetes-patch-strategy'] ?? '').split(',')
  const mergeKey = found.pointer['x-kubernetes-patch-merge-key']
  const merges = strategies.includes('merge') || (shape === 'map' && !strategies.includes('replace'))
  return {
    shape,
    strategy: shape !== 'scalar' && merges ? 'merge' : 'replace',
    retainKeys: strategies.includes('retainKeys'),
    ...(shape === 'list' && mergeKey !== undefined && { mergeKey }),
  }
}

export function applyTopology(schema: string | SchemaNode, path: readonly string[]): ApplyTopology | undefined {
  const found = nodeAt(schema, path)
  if (found === undefined) return undefined
  const { pointer, node } = found
  const shape = shapeOf(node)
  if (shape === 'scalar') return { shape, kind: 'atomic', keys: [], keyDefaults: {} }
  if (shape === 'map') {
    const type = pointer['x-kubernetes-map-type'] ?? node['x-kubernetes-map-type']
    // An object without declared fields (FieldsV1, RawExtension) has no parts that could be owned one by one.
    const opaque = node.properties === undefined && node.additionalProperties === undefined
    return { shape, kind: type === 'atomic' || opaque ? 'atomic' : 'granular', keys: [], keyDefaults: {} }
  }
  const kind = pointer['x-kubernetes-list-type'] ?? 'atomic'
  const keys = kind === 'map' ? (pointer['x-kubernetes-list-map-keys'] ?? []) : []
  const item = node.items === undefined ? {} : resolveNode(node.items)
  const keyDefaults = Object.fromEntries(
    keys.flatMap((key) => {
      const value = item.properties?.[key]?.default
      return value === undefined ? [] : [[key, value] as const]
    }),
  )
  return { shape, kind, keys, keyDefaults }
}

function shapeOf(node: SchemaNode): 'map' | 'list' | 'scalar' {
  return node.type === 'array' ? 'list' : node.type === 'object' ? 'map' : 'scalar'
}
