/**
 * The optional body of DELETE. kubectl sends it as JSON without a kind, typed clients as protobuf or JSON with one
 * (api-server.md 4); unknown fields are ignored, wrong types refused.
 */
import type { Refusal } from './check-fields.ts'
import { badRequest, readAs } from './check-fields.ts'
import { parseText } from './decode-body.ts'
import { decodeMessage, openEnvelope } from './decode-protobuf.ts'
import { mediaTypeOf, tooLarge, unsupportedMediaType } from './media-type.ts'
import type { ParsedText } from './parse-json.ts'

export type DeleteOptionsBody = {
  readonly gracePeriodSeconds?: number
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly orphanDependents?: boolean
  readonly propagationPolicy?: string
  readonly dryRun?: readonly string[]
}

const SCHEMA = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'
const MESSAGE = 'k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions'

/** An empty body is an empty set of options. */
export function decodeDeleteOptions(input: {
  readonly body: Uint8Array
  readonly contentType: string
}): { readonly options: DeleteOptionsBody } | { readonly refusal: Refusal } {
  const { body } = input
  if (body.length === 0) return { options: {} }
  const large = tooLarge(body)
  if (large !== undefined) return { refusal: large }
  const media = mediaTypeOf(input.contentType)
  if (media === undefined) return { refusal: unsupportedMediaType() }
  const parsed = media === 'protobuf' ? parseEnvelope(body) : parseText(body, media)
  const head = 'DeleteOptions in version "v1" cannot be handled as a DeleteOptions'
  if ('problem' in parsed) return { refusal: badRequest(`${head}: ${parsed.problem}`) }
  const kind = (parsed.value as { kind?: unknown } | null)?.kind
  if (typeof kind === 'string' && kind !== '' && kind !== 'DeleteOptions') {
    return { refusal: badRequest(`decoded object cannot be converted to DeleteOptions: it is a ${kind}`) }
  }
  const read = readAs(SCHEMA, parsed.value)
  return 'problem' in read
    ? { refusal: badRequest(`${head}: ${read.problem}`) }
    : { options: read.value as DeleteOptionsBody }
}

function parseEnvelope(body: Uint8Array): ParsedText {
  const envelope = openEnvelope(body)
  if ('problem' in envelope) return envelope
  const decoded = decodeMessage(MESSAGE, envelope.raw)
  return 'problem' in decoded ? decoded : { value: { ...decoded.value, kind: envelope.kind }, duplicates: [] }
}
