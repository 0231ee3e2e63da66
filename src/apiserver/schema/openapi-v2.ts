/**
 * OpenAPI v2 in gnostic's protobuf form (openapiv2/OpenAPIv2.proto), which kubectl ≤ 1.28 needs for `apply`, `create -f` and
 * `explain`, and newer ones as a fallback. Only the parts clients read are written: the definitions with their
 * x-kubernetes extensions, and the operations that show `dryRun` and `fieldValidation`.
 */
import protobuf from 'protobufjs/minimal.js'
import type { KindDefinition } from '../kinds/kind.ts'
import { describedSchema, itemPath, reachableSchemas } from './openapi-v3.ts'
import type { SchemaNode } from './schema-data.ts'
import { referenceOf } from './schema-data.ts'

/** Field numbers of the messages written here. */
const DOCUMENT = { swagger: 1, info: 2, paths: 8, definitions: 9 }
const INFO = { title: 1, version: 2 }
const PATHS_PATH = 2
const PATH_ITEM = { get: 2, put: 3, post: 4, patch: 8 }
const OPERATION = { consumes: 7, parameters: 8, vendorExtension: 13 }
const QUERY_PARAMETER = { in: 2, name: 4, type: 6, uniqueItems: 20 }
const SCHEMA = {
  ref: 1,
  format: 2,
  description: 4,
  default: 5,
  required: 19,
  enum: 20,
  additionalProperties: 21,
  type: 22,
  items: 23,
  properties: 25,
  vendorExtension: 31,
}
/** Named…: the pairs gnostic makes of maps. */
const NAMED = { name: 1, value: 2 }
const ANY_YAML = 2

const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const PARAMETERS: readonly string[] = ['dryRun', 'fieldManager', 'fieldValidation']
const PATCH_TYPES: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

export function openapiV2(kinds: readonly KindDefinition[]): Uint8Array {
  const writer = protobuf.Writer.create()
  text(writer, DOCUMENT.swagger, '2.0')
  nested(writer, DOCUMENT.info, () => {
    text(writer, INFO.title, 'Kubernetes')
    text(writer, INFO.version, 'v1.36.2')
  })
  nested(writer, DOCUMENT.paths, () => {
    for (const kind of kinds) {
      named(writer, PATHS_PATH, { name: itemPath(kind), value: () => pathItem(writer, kind) })
    }
  })
  nested(writer, DOCUMENT.definitions, () => {
    for (const name of reachableSchemas(kinds.flatMap((kind) => [kind.schema, `${kind.schema}List`]))) {
      named(writer, 1, { name, value: () => schema(writer, definitionOf(name)) })
    }
  })
  return writer.finish()
}

/** The two types that v2 can only call strings. */
function definitionOf(name: string): SchemaNode {
  const { description } = describedSchema(name)
  const described = description !== undefined && { description }
  if (name === INT_OR_STRING) return { type: 'string', format: 'int-or-string', ...described }
  if (name === QUANTITY) return { type: 'string', ...described }
  return describedSchema(name)
}

function pathItem(writer: protobuf.Writer, kind: KindDefinition): void {
  const { group, version, kind: name } = kind.info
  for (const verb of ['get', 'put', 'patch'] as const) {
    nested(writer, PATH_ITEM[verb], () => {
      if (verb === 'patch') for (const type of PATCH_TYPES) text(writer, OPERATION.consumes, type)
      if (verb !== 'get') for (const parameter of PARAMETERS) queryParameter(writer, parameter)
      extension(writer, OPERATION.vendorExtension, ['x-kubernetes-action', verb])
      extension(writer, OPERATION.vendorExtension, ['x-kubernetes-group-version-kind', { group, kind: name, version }])
    })
  }
}

/** ParametersItem.parameter → Parameter.non_body_parameter → NonBodyParameter.query_parameter_sub_schema. */
function queryParameter(writer: protobuf.Writer, name: string): void {
  nested(writer, OPERATION.parameters, () =>
    nested(writer, 1, () =>
      nested(writer, 2, () =>
        nested(writer, 3, () => {
          text(writer, QUERY_PARAMETER.in, 'query')
          text(writer, QUERY_PARAMETER.name, name)
          text(writer, QUERY_PARAMETER.type, 'string')
          writer.uint32((QUERY_PARAMETER.uniqueItems << 3) | 0).bool(true)
        }),
      ),
    ),
  )
}

function schema(writer: protobuf.Writer, node: SchemaNode): void {
  const reference = referenceOf(node)
  if (reference !== undefined) text(writer, SCHEMA.ref, `#/definitions/${reference}`)
  if (node.format !== undefined) text(writer, SCHEMA.format, node.format)
  if (node.description !== undefined) text(writer, SCHEMA.description, node.description)
  if (reference !== undefined) return
  if (node.default !== undefined) yaml(writer, SCHEMA.default, node.default)
  for (const name of node.required ?? []) text(writer, SCHEMA.required, name)
  for (const value of node.enum ?? []) yaml(writer, SCHEMA.enum, value)
  const { additionalProperties, items, properties, type } = node
  if (additionalProperties !== undefined) {
    nested(writer, SCHEMA.additionalProperties, () => nested(writer, 1, () => schema(writer, additionalProperties)))
  }
  if (type !== undefined) nested(writer, SCHEMA.type, () => text(writer, 1, type))
  if (items !== undefined) nested(writer, SCHEMA.items, () => nested(writer, 1, () => schema(writer, items)))
  if (properties !== undefined) {
    nested(writer, SCHEMA.properties, () => {
      for (const [name, property] of Object.entries(properties)) {
        named(writer, 1, { name, value: () => schema(writer, property) })
      }
    })
  }
  for (const [name, value] of Object.entries(node)) {
    if (name.startsWith('x-')) extension(writer, SCHEMA.vendorExtension, [name, value])
  }
}

function extension(writer: protobuf.Writer, field: number, [name, value]: readonly [string, unknown]): void {
  named(writer, field, { name, value: () => text(writer, ANY_YAML, JSON.stringify(value)) })
}

/** Every JSON text is YAML, too. */
function yaml(writer: protobuf.Writer, field: number, value: unknown): void {
  nested(writer, field, () => text(writer, ANY_YAML, JSON.stringify(value)))
}

function named(
  writer: protobuf.Writer,
  field: number,
  pair: { readonly name: string; readonly value: () => void },
): void {
  nested(writer, field, () => {
    text(writer, NAMED.name, pair.name)
    nested(writer, NAMED.value, pair.value)
  })
}

function nested(writer: protobuf.Writer, field: number, write: () => void): void {
  writer.uint32((field << 3) | 2).fork()
  write()
  writer.ldelim()
}

function text(writer: protobuf.Writer, field: number, value: string): void {
  writer.uint32((field << 3) | 2).string(value)
}
