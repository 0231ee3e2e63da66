/**
 * The generated facts of Kubernetes 1.36.2, typed: OpenAPI component schemas, protobuf field numbers and the fields
 * whose absence differs from zero. script/generate-schema.mjs makes the JSON; nothing else may edit it.
 */
import { OWN_MESSAGES, OWN_PRESENCE, OWN_SCHEMAS } from './own-schemas.ts'
import type { MessageFields, SchemaNode } from './schema-node.ts'
import generated from './generated/kubernetes-1.36.json' with { type: 'json' }

export type { GroupVersionKind, MessageFields, SchemaNode } from './schema-node.ts'

type Generated = {
  readonly schemas: Readonly<Record<string, SchemaNode>>
  readonly messages: Readonly<Record<string, MessageFields>>
  readonly presence: Readonly<Record<string, readonly string[]>>
}

const data = generated as unknown as Generated

export const SCHEMAS: Readonly<Record<string, SchemaNode>> = { ...data.schemas, ...OWN_SCHEMAS }
export const MESSAGES: Readonly<Record<string, MessageFields>> = { ...data.messages, ...OWN_MESSAGES }
export const PRESENCE: Readonly<Record<string, readonly string[]>> = { ...data.presence, ...OWN_PRESENCE }

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
 * The node at a path of field names, below a schema or the one of that name. List items and map values are entered without a step of their
 * own for lists (`spec.containers.ports`), with one for maps. `pointer` carries the annotations of the field.
 */
export function nodeAt(
  schema: string | SchemaNode,
  path: readonly string[],
): { readonly pointer: SchemaNode; readonly node: SchemaNode } | undefined {
  const root = typeof schema === 'string' ? schemaNamed(schema) : schema
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
