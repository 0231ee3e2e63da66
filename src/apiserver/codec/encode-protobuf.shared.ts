/**
 * The encoder's side of the wire, for tests only: writes an object the way gogo does, every non-pointer scalar included,
 * so that what the decoder drops and keeps is put to the test.
 */
import protobuf from 'protobufjs/minimal.js'
import { MESSAGES, PRESENCE } from '../schema/index.ts'

const INLINED: Readonly<Record<string, readonly string[]>> = {
  volumeSource: ['emptyDir', 'configMap', 'secret', 'hostPath'],
  handler: ['exec', 'httpGet', 'tcpSocket', 'grpc'],
  localObjectReference: ['name'],
}

export function encodeEnvelope(object: Record<string, unknown>, message: string): Uint8Array {
  const writer = protobuf.Writer.create()
  writer.uint32(10).fork()
  writer.uint32(10).string(String(object['apiVersion']))
  writer.uint32(18).string(String(object['kind']))
  writer.ldelim()
  writer.uint32(18).bytes(encodeMessage(message, object))
  writer.uint32(26).string('').uint32(34).string('')
  return Buffer.concat([Buffer.from('k8s\0'), writer.finish()])
}

function encodeMessage(message: string, value: unknown): Uint8Array {
  const writer = protobuf.Writer.create()
  const name = message.slice(message.lastIndexOf('.') + 1)
  if (name === 'Time' || name === 'MicroTime') {
    const time = Date.parse(String(value))
    writer.uint32(8).int64(Math.floor(time / 1000))
    writer.uint32(16).int32((time % 1000) * 1_000_000)
    return writer.finish()
  }
  if (name === 'IntOrString') {
    const text = typeof value === 'string'
    writer.uint32(8).int64(text ? 1 : 0)
    writer.uint32(16).int32(text ? 0 : Number(value))
    writer.uint32(26).string(text ? value : '')
    return writer.finish()
  }
  if (name === 'Quantity') return writer.uint32(10).string(String(value)).finish()
  if (name === 'FieldsV1')
    return writer
      .uint32(10)
      .bytes(Buffer.from(JSON.stringify(value)))
      .finish()
  const object = value as Record<string, unknown>
  for (const [field, [number, type]] of Object.entries(MESSAGES[message] ?? {})) {
    const spliced = INLINED[field]
    const own =
      spliced === undefined
        ? object[field]
        : Object.fromEntries(spliced.flatMap((key) => (key in object ? [[key, object[key]]] : [])))
    encodeField(writer, { number, type, value: own, pointer: PRESENCE[message]?.includes(field) === true })
  }
  return writer.finish()
}

type Field = { readonly number: number; readonly type: string; readonly value: unknown; readonly pointer: boolean }

function encodeField(writer: protobuf.Writer, field: Field): void {
  const { number, type, value, pointer } = field
  const map = /^map<string,(.+)>$/.exec(type)?.[1]
  if (map !== undefined) {
    for (const [key, item] of Object.entries((value ?? {}) as Record<string, unknown>)) {
      writer.uint32((number << 3) | 2).fork()
      writer.uint32(10).string(key)
      encodeField(writer, { number: 2, type: map, value: item, pointer: false })
      writer.ldelim()
    }
  } else if (type.startsWith('repeated ')) {
    for (const item of (value ?? []) as unknown[]) {
      encodeField(writer, { ...field, type: type.slice('repeated '.length), value: item })
    }
  } else if (type === 'string' && !(pointer && value === undefined))
    writer.uint32((number << 3) | 2).string(textOf(value))
  else if (type === 'bool' && !(pointer && value === undefined)) writer.uint32(number << 3).bool(value === true)
  else if ((type === 'int32' || type === 'int64') && !(pointer && value === undefined)) {
    writer.uint32(number << 3).int64(Number(value ?? 0))
  } else if (type === 'bytes') {
    if (value !== undefined) writer.uint32((number << 3) | 2).bytes(Buffer.from(textOf(value), 'base64'))
  } else if (type.includes('.') && value !== undefined) {
    writer.uint32((number << 3) | 2).bytes(encodeMessage(type, value))
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
