/** The kinds that a CustomResourceDefinition stands for: one a served version, all over the objects of the storage version. */
import type { CustomResourceDefinition, CustomVersion, JsonSchema, KubeObject, ResourceInfo } from '#api'
import { compareText } from '#lib'
import { readAs } from '../codec/index.ts'
import { defineKind } from '../kinds/define-kind.ts'
import type { KindDefinition, TableColumn, TableDefinition } from '../kinds/kind.ts'
import type { SchemaNode } from '../schema/index.ts'
import { AGE_COLUMN, ageSince, NAME_COLUMN } from '../tables/index.ts'
import { jsonPath } from './json-path.ts'
import { isObject, prune, withDefaults } from './prune-and-default.ts'
import { validateValue } from './validate-value.ts'

const META_NAME = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
/** What every object has; its schema is not the definition's. */
const COMMON: Readonly<Record<string, SchemaNode>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { $ref: `#/components/schemas/${META_NAME}` },
}

/** The storage version first, as the one that owns the objects; then by version priority. */
export function customKinds(definition: CustomResourceDefinition): readonly KindDefinition[] {
  const { group, names, scope, versions } = definition.spec
  const storage = versions.find((version) => version.storage)
  if (storage === undefined) return []
  const infoOf = ({ name }: CustomVersion): ResourceInfo => ({
    group,
    version: name,
    kind: names.kind,
    resource: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    ...(name === storage.name ? {} : { storage: `${names.plural}.${group}/${name}` }),
  })
  const info = infoOf(storage)
  return versions
    .filter(({ served }) => served)
    .toSorted((a, b) => compareVersions(a.name, b.name))
    .map((version) => versionKind(version, { info: infoOf(version), stored: version === storage ? undefined : info }))
}

function versionKind(
  version: CustomVersion,
  place: { readonly info: ResourceInfo; readonly stored: ResourceInfo | undefined },
): KindDefinition {
  const { info, stored } = place
  const { properties, ...root } = version.schema?.openAPIV3Schema ?? {}
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...own } = properties ?? {}
  const schema: JsonSchema = { ...root, properties: own }
  const structure: SchemaNode = {
    ...(schema as SchemaNode),
    properties: { ...COMMON, ...(own as SchemaNode['properties']) },
  }
  const apiVersion = `${info.group}/${info.version}`
  const fields = version.selectableFields ?? []
  const warning = version.deprecationWarning ?? `${apiVersion} ${info.kind} is deprecated`
  return defineKind<KubeObject>({
    info,
    schema: [...info.group.split('.').reverse(), info.version, info.kind].join('.'),
    message: '',
    structure,
    read: (value) => readCustom(schema, value),
    hasStatus: version.subresources?.status !== undefined,
    hasGeneration: true,
    // As upstream: two clients that know no revision would undo each other's work unseen.
    unconditionalUpdate: false,
    ...(version.deprecated === true && { deprecationWarning: warning }),
    fields: (object) =>
      Object.fromEntries(
        fields.map(({ jsonPath: path }) => [path.replace(/^\./, ''), textOf(jsonPath(path, object)[0])]),
      ),
    defaults: (object) => withDefaults(schema, object) as KubeObject,
    prepareForCreate: (object) => {
      if (version.subresources?.status === undefined) return object
      const { status: _status, ...rest } = object as KubeObject & { readonly status?: unknown }
      return rest
    },
    validate: (object) => {
      const { apiVersion: _v, kind: _k, metadata: _m, ...content } = object
      return validateValue(schema, content)
    },
    ...(stored !== undefined && {
      view: {
        of: stored,
        fromStored: (object) => ({ ...object, apiVersion }),
        toStored: (object) => ({ ...object, apiVersion: `${stored.group}/${stored.version}` }),
      },
    }),
    table: tableOf(version),
  })
}

function readCustom(schema: JsonSchema, value: unknown): ReturnType<NonNullable<KindDefinition['read']>> {
  if (!isObject(value)) return { problem: 'json: cannot unmarshal into an object' }
  const { apiVersion, kind, metadata, ...content } = value
  const unknown: string[] = []
  const meta = metadata === undefined || metadata === null ? undefined : readAs(META_NAME, metadata)
  if (meta !== undefined && 'problem' in meta) return meta
  const rest = prune(schema, content, unknown) as object
  const head = { ...(apiVersion !== undefined && { apiVersion }), ...(kind !== undefined && { kind }) }
  return {
    value: { ...head, ...(meta !== undefined && { metadata: meta.value }), ...rest },
    unknown: [...(meta?.unknown ?? []).map((path) => `metadata.${path}`), ...unknown],
  }
}

function tableOf({ additionalPrinterColumns }: CustomVersion): TableDefinition<KubeObject> {
  const extra = additionalPrinterColumns ?? []
  const columns = extra.map(({ name, type, jsonPath: path, description = '', priority = 0, format }): TableColumn => ({
    name,
    // Dates are printed as ages, which is text.
    type: type === 'date' ? 'string' : (type as TableColumn['type']),
    ...(format === undefined ? {} : { format }),
    description: description === '' ? `Custom resource definition column (in JSONPath format): ${path}` : description,
    priority,
  }))
  if (additionalPrinterColumns === undefined) columns.push(AGE_COLUMN)
  return {
    columns: [NAME_COLUMN, ...columns],
    cells: (object, now) => {
      const cells = extra.map(({ type, jsonPath: path }) => cellOf(type, jsonPath(path, object)[0], now))
      if (additionalPrinterColumns === undefined) cells.push(ageSince(object.metadata.creationTimestamp, now))
      return [object.metadata.name, ...cells]
    },
  }
}

function cellOf(type: string, value: unknown, now: number): string | number | boolean | null {
  if (value === undefined || value === null) return type === 'date' ? ageSince(undefined, now) : null
  if (type === 'date') return ageSince(textOf(value), now)
  if (type === 'integer' || type === 'number') return typeof value === 'number' ? value : null
  if (type === 'boolean') return typeof value === 'boolean' ? value : null
  return textOf(value)
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** v2 before v1 before v1beta2 before v1alpha1 before anything else (apimachinery version.CompareKubeAwareVersionStrings). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)]
  if (left === undefined || right === undefined) {
    return left === right ? compareText(a, b) : left === undefined ? 1 : -1
  }
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2]
}

function rank(version: string): readonly [number, number, number] | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (match === null) return undefined
  const stability = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0
  return [stability, Number(match[1]), Number(match[3] ?? 0)]
}
