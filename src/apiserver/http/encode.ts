/** Objects and lists in the form the client asked for: JSON, YAML, Table or metadata only. */
import { stringify } from 'yaml'

import type { KubeObject, ListMeta } from '#api'
import { apiVersionOf } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import type { Answer, ListAnswer } from '../registry/index.ts'
import { badRequest, Refused } from '../status/index.ts'
import { renderTable } from '../tables/index.ts'
import type { Form } from './negotiate.ts'

export type Encoding = {
  readonly form: Form
  readonly pretty: boolean
  readonly includeObject: 'None' | 'Metadata' | 'Object'
  /** Milliseconds since the epoch, for ages. */
  readonly now: number
}

export type Encoded = { readonly type: string; readonly text: string }

export function encodingOf(form: Form, query: URLSearchParams, now: number): Encoding {
  const includeObject = query.get('includeObject') ?? ''
  if (includeObject !== '' && includeObject !== 'None' && includeObject !== 'Metadata' && includeObject !== 'Object') {
    throw new Refused(badRequest(`includeObject: Unsupported value: "${includeObject}"`))
  }
  const pretty = query.has('pretty') && query.get('pretty') !== 'false' && query.get('pretty') !== '0'
  return { form, pretty, now, includeObject: includeObject === '' ? 'Metadata' : includeObject }
}

export function encodeObject(kind: KindDefinition, answer: Answer, encoding: Encoding): Encoded {
  const { form } = encoding
  if (form.type === 'json' && !encoding.pretty) return { type: 'application/json', text: `${answer.json}\n` }
  return encodeValue(objectForm(kind, answer.object, { ...encoding, withColumns: true }), encoding)
}

export function encodeList(kind: KindDefinition, list: ListAnswer, encoding: Encoding): Encoded {
  const { form } = encoding
  const { metadata, items } = list
  const head = { kind: `${kind.info.kind}List`, apiVersion: apiVersionOf(kind.info), metadata }
  if (form.type === 'table') {
    const objects = items.map((stored) => stored.object)
    return encodeValue(tableOf(kind, objects, { ...encoding, listMeta: metadata, withColumns: true }), encoding)
  }
  if (form.type === 'partial') {
    const partials = items.map((stored) => partialOf(stored.object, form.version))
    const apiVersion = `meta.k8s.io/${form.version}`
    return encodeValue({ kind: 'PartialObjectMetadataList', apiVersion, metadata, items: partials }, encoding)
  }
  if (form.type === 'json' && !encoding.pretty) {
    // The stored texts are joined as they are: a list of 10,000 costs no second serialization.
    const prefix = typePrefix(kind)
    const texts = items.map(({ json }) => (json.startsWith(prefix) ? `{${json.slice(prefix.length)}` : json))
    return { type: 'application/json', text: `${JSON.stringify(head).slice(0, -1)},"items":[${texts.join(',')}]}\n` }
  }
  const untyped = items.map(({ object: { kind: _kind, apiVersion: _version, ...rest } }) => rest)
  return encodeValue({ ...head, items: untyped }, encoding)
}

/** What one object looks like inside a watch event or alone. */
export function objectForm(
  kind: KindDefinition,
  object: KubeObject,
  encoding: Encoding & { readonly withColumns: boolean },
): unknown {
  const { form } = encoding
  if (form.type === 'table') {
    const { resourceVersion } = object.metadata
    const listMeta = resourceVersion === undefined ? {} : { resourceVersion }
    return tableOf(kind, [object], { ...encoding, listMeta })
  }
  return form.type === 'partial' ? partialOf(object, form.version) : object
}

function tableOf(
  kind: KindDefinition,
  objects: readonly KubeObject[],
  encoding: Encoding & { readonly listMeta: Partial<ListMeta>; readonly withColumns: boolean },
): unknown {
  const { form } = encoding
  const table = renderTable(kind, objects, encoding)
  return form.type === 'table' && form.version === 'v1beta1' ? { ...table, apiVersion: 'meta.k8s.io/v1beta1' } : table
}

function partialOf(object: KubeObject, version: string): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}

/** Items of a typed list carry neither kind nor apiVersion (api-server.md 2.1). */
function typePrefix({ info }: KindDefinition): string {
  return `{"kind":${JSON.stringify(info.kind)},"apiVersion":${JSON.stringify(apiVersionOf(info))},`
}

export function encodeValue(value: unknown, encoding: Pick<Encoding, 'form' | 'pretty'>): Encoded {
  if (encoding.form.type === 'yaml') {
    return { type: 'application/yaml', text: stringify(value, { version: '1.1', aliasDuplicateObjects: false }) }
  }
  const text = encoding.pretty ? JSON.stringify(value, undefined, 2) : JSON.stringify(value)
  return { type: 'application/json', text: `${text}\n` }
}
