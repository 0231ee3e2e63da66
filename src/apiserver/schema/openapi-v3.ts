/**
 * OpenAPI v3 as kubectl needs it (api-server.md 5): an index with content hashes, and one document per group version with
 * the schemas its kinds reach, our own descriptions, and for each kind the PATCH operation whose `fieldValidation` and
 * `dryRun` parameters tell kubectl that this server validates itself.
 */
import { base32Hash } from '#lib'
import type { ResourceInfo } from '#api'
import { apiVersionOf } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import { DESCRIPTIONS } from './descriptions.ts'
import type { SchemaNode } from './schema-data.ts'
import { SCHEMAS } from './schema-data.ts'

export type OpenApiDocument = {
  readonly openapi: '3.0.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, unknown>>
  readonly components: { readonly schemas: Readonly<Record<string, SchemaNode>> }
}

export type OpenApiIndex = { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> }

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

const PATCH_TYPES = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
]

/** `api/v1` or `apis/discovery.k8s.io/v1`: the key of the index and the tail of the document's URL. */
export function groupVersionPath(info: Pick<ResourceInfo, 'group' | 'version'>): string {
  return info.group === '' ? `api/${info.version}` : `apis/${info.group}/${info.version}`
}

export function openapiV3Index(kinds: readonly KindDefinition[]): OpenApiIndex {
  const paths = [...new Set(kinds.map((kind) => groupVersionPath(kind.info)))].sort()
  return {
    paths: Object.fromEntries(
      paths.map((path) => {
        const hash = base32Hash(JSON.stringify(openapiV3Document(kinds, path)), 32)
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]
      }),
    ),
  }
}

/** `groupVersion` as in the index (`api/v1`) or as in objects (`v1`); undefined when no kind is served under it. */
export function openapiV3Document(kinds: readonly KindDefinition[], groupVersion: string): OpenApiDocument | undefined {
  const served = kinds.filter(
    (kind) => groupVersionPath(kind.info) === groupVersion || apiVersionOf(kind.info) === groupVersion,
  )
  if (served.length === 0) return undefined
  const roots = served.flatMap((kind) => [kind.schema, `${kind.schema}List`])
  const custom = served.filter(({ structure }) => structure !== undefined)
  // Custom kinds bring their schema along; of the generated ones they use ObjectMeta.
  if (custom.length > 0) roots.push(`${META}.ObjectMeta`, `${META}.ListMeta`)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.2' },
    paths: Object.fromEntries(served.flatMap(pathsOf)),
    components: {
      schemas: Object.fromEntries([
        ...reachableSchemas(roots).map((name) => [name, describedSchema(name)] as const),
        ...custom.flatMap(customSchemas),
      ]),
    },
  }
}

function customSchemas({ info, schema, structure = {} }: KindDefinition): readonly (readonly [string, SchemaNode])[] {
  const { group, version, kind } = info
  const list: SchemaNode = {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { $ref: `#/components/schemas/${META}.ListMeta` },
      items: { type: 'array', items: { $ref: `#/components/schemas/${schema}` } },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: `${kind}List` }],
  }
  return [
    [schema, { ...structure, 'x-kubernetes-group-version-kind': [{ group, version, kind }] }],
    [`${schema}List`, list],
  ]
}

/** The schema with our descriptions on itself and its fields. */
export function describedSchema(name: string): SchemaNode {
  const schema = SCHEMAS[name] ?? {}
  const texts = DESCRIPTIONS[name]
  if (texts === undefined) return schema
  const properties =
    schema.properties === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(schema.properties).map(([field, node]) => {
            const description = texts[field]
            return [field, description === undefined ? node : { description, ...node }]
          }),
        )
  const own = texts['']
  return {
    ...(own !== undefined && { description: own }),
    ...schema,
    ...(properties !== undefined && { properties }),
  }
}

/** Names reachable from the roots, sorted; roots that have no schema are left out. */
export function reachableSchemas(roots: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  const open = [...roots]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined
    if (schema === undefined || seen.has(name)) continue
    seen.add(name)
    open.push(
      ...[...JSON.stringify(schema).matchAll(/#\/components\/schemas\/([^"]+)/g)].map((match) => match[1] ?? ''),
    )
  }
  return [...seen].sort()
}

/** `/api/v1/namespaces/{namespace}/services/{name}` */
export function itemPath(kind: KindDefinition): string {
  return `${collectionPath(kind)}/{name}`
}

function collectionPath({ info }: KindDefinition): string {
  const root = info.group === '' ? `/api/${info.version}` : `/apis/${info.group}/${info.version}`
  return info.namespaced ? `${root}/namespaces/{namespace}/${info.resource}` : `${root}/${info.resource}`
}

function pathsOf(kind: KindDefinition): readonly (readonly [string, unknown])[] {
  const item = itemPath(kind)
  return [
    [collectionPath(kind), { post: operation(kind, 'post') }],
    [item, itemOperations(kind)],
    ...(kind.hasStatus ? [[`${item}/status`, itemOperations(kind)] as const] : []),
  ]
}

function itemOperations(kind: KindDefinition): Readonly<Record<string, unknown>> {
  return { get: operation(kind, 'get'), put: operation(kind, 'put'), patch: operation(kind, 'patch') }
}

function operation(kind: KindDefinition, verb: 'get' | 'put' | 'patch' | 'post'): Readonly<Record<string, unknown>> {
  const { group, version, kind: name } = kind.info
  const schema = { $ref: `#/components/schemas/${kind.schema}` }
  const patch = { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Patch' }
  const patchTypes = PATCH_TYPES.filter((type) => kind.structure === undefined || !type.includes('strategic'))
  const media = verb === 'patch' ? patchTypes : ['application/json', 'application/yaml']
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', ...(verb === 'patch' ? ['force'] : [])]
  return {
    'x-kubernetes-action': verb,
    'x-kubernetes-group-version-kind': { group, version, kind: name },
    ...(verb !== 'get' && {
      parameters: parameters.map((parameter) => ({
        name: parameter,
        in: 'query',
        schema: { type: parameter === 'force' ? 'boolean' : 'string', uniqueItems: true },
      })),
      requestBody: {
        content: Object.fromEntries(media.map((type) => [type, { schema: verb === 'patch' ? patch : schema }])),
      },
    }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
  }
}
