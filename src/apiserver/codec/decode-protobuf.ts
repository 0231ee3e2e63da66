/**
 * Kubernetes' protobuf envelope (api-server.md 2.2): `k8s\0`, then runtime.Unknown around the object's own message.
 * Reads the wire with protobufjs' reader, driven by the generated field table, straight into the JSON form: special
 * messages become scalars, Go-embedded structs are spliced into their parent. Zero values are left to the reader of schemas, which
 * knows for both encodings which of them mean something.
 */
import protobuf from 'protobufjs/minimal.js'
import type { MessageFields } from '../schema/index.ts'
import { MESSAGES } from '../schema/index.ts'
import { MAX_DEPTH, parseJson } from './parse-json.ts'
import { timeFromParts } from './read-time.ts'

export type Envelope =
  { readonly apiVersion: string; readonly kind: string; readonly raw: Uint8Array } | { readonly problem: string }

const MAGIC = Uint8Array.from([0x6b, 0x38, 0x73, 0x00])
const UNKNOWN = 'k8s.io.apimachinery.pkg.runtime.Unknown'

/** Sub-messages that Go embeds, so that JSON has their fields in the parent. */
const INLINED: ReadonlySet<string> = new Set(
  [
    'core.v1.Volume.volumeSource',
    'core.v1.Probe.handler',
    'core.v1.EphemeralContainer.ephemeralContainerCommon',
    'core.v1.PersistentVolumeSpec.persistentVolumeSource',
    'networking.v1.IngressRule.ingressRuleValue',
    ...['ConfigMapEnvSource', 'ConfigMapKeySelector', 'ConfigMapProjection', 'ConfigMapVolumeSource'].map(
      (name) => `core.v1.${name}.localObjectReference`,
    ),
    ...['SecretEnvSource', 'SecretKeySelector', 'SecretProjection'].map(
      (name) => `core.v1.${name}.localObjectReference`,
    ),
  ].map((name) => `k8s.io.api.${name}`),
)
const RENAMED: Readonly<Record<string, string>> = { aPIGroup: 'apiGroup', uID: 'uid' }

export function isProtobuf(body: Uint8Array): boolean {
  return MAGIC.every((byte, i) => body[i] === byte)
}

export function openEnvelope(body: Uint8Array): Envelope {
  if (!isProtobuf(body)) {
    return { problem: 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]' }
  }
  const unknown = decodeMessage(UNKNOWN, body.subarray(MAGIC.length), (bytes) => bytes)
  if ('problem' in unknown) return unknown
  const { typeMeta, raw, contentEncoding } = unknown.value
  if (typeof contentEncoding === 'string' && contentEncoding !== '') {
    return { problem: `unsupported content encoding ${JSON.stringify(contentEncoding)}` }
  }
  const meta = (typeof typeMeta === 'object' ? typeMeta : undefined) as
    { apiVersion?: string; kind?: string } | undefined
  return {
    apiVersion: meta?.apiVersion ?? '',
    kind: meta?.kind ?? '',
    raw: raw instanceof Uint8Array ? raw : new Uint8Array(),
  }
}

type Decoded = { readonly value: Record<string, unknown> } | { readonly problem: string }

/** `bytes`: how a bytes field looks in the result; base64 text unless told otherwise. */
export function decodeMessage(
  message: string,
  body: Uint8Array,
  bytes: (value: Uint8Array) => unknown = (value) => Buffer.from(value).toString('base64'),
): Decoded {
  try {
    return { value: readMessage(message, protobuf.Reader.create(body), { depth: 0, bytes }) as Record<string, unknown> }
  } catch (error) {
    // The reader throws on truncated and malformed input; that is the client's fault, not ours.
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

type Context = { readonly depth: number; readonly bytes: (value: Uint8Array) => unknown }

function readMessage(message: string, reader: protobuf.Reader, context: Context): unknown {
  if (context.depth > MAX_DEPTH) throw new RangeError(`exceeded max depth of ${MAX_DEPTH}`)
  const fields = fieldsByNumber(message)
  const values = new Map<string, unknown>()
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const field = fields.get(tag >>> 3)
    if (field === undefined) reader.skipType(tag & 7)
    else readField(values, field, { reader, wire: tag & 7, context })
  }
  return toJson(message, values)
}

type Field = {
  readonly name: string
  readonly type: string
  readonly repeated: boolean
  /** Type of the values, for maps. */
  readonly mapOf?: string
}

const tables = new Map<string, ReadonlyMap<number, Field>>()

function fieldsByNumber(message: string): ReadonlyMap<number, Field> {
  const known = tables.get(message)
  if (known !== undefined) return known
  const source: MessageFields = Object.hasOwn(MESSAGES, message) ? (MESSAGES[message] ?? {}) : {}
  const table = new Map(
    Object.entries(source).map(([name, [number, text]]): readonly [number, Field] => {
      const map = /^map<string,(.+)>$/.exec(text)?.[1]
      const repeated = text.startsWith('repeated ')
      const type = map ?? (repeated ? text.slice('repeated '.length) : text)
      return [number, { name, type, repeated, ...(map !== undefined && { mapOf: map }) }]
    }),
  )
  tables.set(message, table)
  return table
}

type Wire = { readonly reader: protobuf.Reader; readonly wire: number; readonly context: Context }

function readField(values: Map<string, unknown>, field: Field, { reader, wire, context }: Wire): void {
  const { name, type, repeated, mapOf } = field
  if (mapOf !== undefined) {
    const entry = protobuf.Reader.create(reader.bytes())
    let key = ''
    let value: unknown
    while (entry.pos < entry.len) {
      const tag = entry.uint32()
      if (tag >>> 3 === 1) key = entry.string()
      else if (tag >>> 3 === 2) value = readValue(mapOf, entry, context)
      else entry.skipType(tag & 7)
    }
    const map = values.get(name)
    const entries = (map instanceof Map ? map : new Map<string, unknown>()) as Map<string, unknown>
    values.set(name, entries.set(key, value ?? (mapOf === 'string' || mapOf === 'bytes' ? '' : undefined)))
    return
  }
  if (!repeated) {
    values.set(name, readValue(type, reader, context))
    return
  }
  const list = (values.get(name) ?? []) as unknown[]
  const packed = wire === 2 && (type === 'int32' || type === 'int64' || type === 'bool')
  if (packed) {
    const end = reader.uint32() + reader.pos
    while (reader.pos < end) list.push(readValue(type, reader, context))
  } else list.push(readValue(type, reader, context))
  values.set(name, list)
}

function readValue(type: string, reader: protobuf.Reader, context: Context): unknown {
  switch (type) {
    case 'string':
      return reader.string()
    case 'bytes':
      return context.bytes(reader.bytes())
    case 'bool':
      return reader.bool()
    case 'int32':
      return reader.int32()
    case 'int64':
      return Number(reader.int64())
    default:
      return readMessage(type, protobuf.Reader.create(reader.bytes()), { ...context, depth: context.depth + 1 })
  }
}

function toJson(message: string, values: ReadonlyMap<string, unknown>): unknown {
  const name = message.slice(message.lastIndexOf('.') + 1)
  const number = (key: string): number => Number(values.get(key) ?? 0)
  switch (name) {
    case 'Time':
    case 'MicroTime':
      return timeFromParts(number('seconds'), number('nanos'), name === 'MicroTime')
    case 'IntOrString':
      return number('type') === 1 ? (values.get('strVal') ?? '') : number('intVal')
    case 'Quantity':
      return values.get('string') === undefined || values.get('string') === '' ? '0' : values.get('string')
    case 'FieldsV1':
      return jsonOf(values.get('Raw'))
    case 'RawExtension':
      return jsonOf(values.get('raw'))
    case 'ExtraValue':
      return values.get('items') ?? []
    default:
      return Object.fromEntries([...values].flatMap(([key, value]) => member(message, key, value)))
  }
}

function member(message: string, key: string, value: unknown): readonly (readonly [string, unknown])[] {
  if (INLINED.has(`${message}.${key}`)) {
    return typeof value === 'object' && value !== null ? Object.entries(value) : []
  }
  return [[RENAMED[key] ?? key, value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value]]
}

/** JSON inside protobuf, which arrives here as base64 or bytes. */
function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return undefined
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : value
  if (bytes.length === 0) return undefined
  const parsed = parseJson(Buffer.from(bytes).toString('utf8'))
  if ('problem' in parsed) throw new TypeError(parsed.problem)
  return parsed.value
}
