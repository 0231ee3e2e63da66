/**
 * The generated facts of Kubernetes 1.36.2, typed: OpenAPI component schemas, protobuf field numbers and the fields
 * whose absence differs from zero. script/generate-schema.mjs makes the JSON; nothing else may edit it.
 */
import generated from './generated/kubernetes-1.36.json' with { type: 'json' }

export type GroupVersionKind = { readonly group: string; readonly version: string; readonly kind: string }

/** The part of JSON Schema that Kubernetes publishes. */
export type SchemaNode = {
  readonly $ref?: string
  readonly allOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly format?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode
  readonly items?: SchemaNode
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[]
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular'
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
}

export type MessageFields = Readonly<Record<string, readonly [number, string]>>

type Generated = {
  readonly schemas: Readonly<Record<string, SchemaNode>>
  readonly messages: Readonly<Record<string, MessageFields>>
  readonly presence: Readonly<Record<string, readonly string[]>>
}

const data = generated as unknown as Generated

export const SCHEMAS = data.schemas
export const MESSAGES = data.messages
export const PRESENCE = data.presence

const REF = '#/components/schemas/'

/** Name behind a node that only points elsewhere (`$ref`, or `allOf` of one `$ref`, as Kubernetes writes defaults). */
export function referenceOf(node: SchemaNode): string | undefined {
  const ref = node.$ref ?? (node.allOf?.length === 1 ? node.allOf[0]?.$ref : undefined)
  return ref?.startsWith(REF) === true ? ref.slice(REF.length) : undefined
}

/** The node itself, or what it points to. Annotations beside the pointer (list type, default) stay on the pointer. */
export function resolveNode(node: SchemaNode): SchemaNode {
  const name = referenceOf(node)
  if (name === undefined) return node
  return Object.hasOwn(SCHEMAS, name) ? (SCHEMAS[name] ?? {}) : {}
}

export function schemaNamed(name: string): SchemaNode | undefined {
  return Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined
}

/**
 * The node at a path of field names, below a named schema. List items and map values are entered without a step of their
 * own for lists (`spec.containers.ports`), with one for maps. `pointer` carries the annotations of the field.
 */
export function nodeAt(
  schemaName: string,
  path: readonly string[],
): { readonly pointer: SchemaNode; readonly node: SchemaNode } | undefined {
  const root = schemaNamed(schemaName)
  if (root === undefined) return undefined
  let pointer = root
  let node = root
  for (const step of path) {
    const inside = enterItems(node)
    const next =
      inside.properties !== undefined && Object.hasOwn(inside.properties, step)
        ? inside.properties[step]
        : inside.additionalProperties
    if (next === undefined) return undefined
    pointer = next
    node = resolveNode(next)
  }
  return { pointer, node }
}

function enterItems(node: SchemaNode): SchemaNode {
  return node.items === undefined ? node : enterItems(resolveNode(node.items))
}
