/** Which encodings a body may have, and how large it may be. */
import type { Refusal } from './check-fields.ts'

export type MediaType = 'json' | 'yaml' | 'protobuf'

/** 3 MiB, as the real server. */
export const MAX_BODY_BYTES = 3_145_728

const TYPES: Readonly<Record<string, MediaType>> = {
  '': 'json',
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
}

/** Undefined: not one of ours. Parameters (`;charset=utf-8`) do not matter. */
export function mediaTypeOf(contentType: string): MediaType | undefined {
  const name = (contentType.split(';')[0] ?? '').trim().toLowerCase()
  return Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
}

export function unsupportedMediaType(): Refusal {
  const list = Object.keys(TYPES).filter((name) => name !== '')
  const message = `the body of the request was in an unknown format - accepted media types include: ${list.join(', ')}`
  return { code: 415, reason: 'UnsupportedMediaType', message }
}

export function tooLarge(body: Uint8Array): Refusal | undefined {
  if (body.length <= MAX_BODY_BYTES) return undefined
  const message = `Request entity too large: limit is ${MAX_BODY_BYTES}`
  return { code: 413, reason: 'RequestEntityTooLarge', message }
}
