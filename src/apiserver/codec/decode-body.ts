/**
 * A request body to an object of the kind its path names: JSON, YAML or Kubernetes protobuf in, one JSON form out, with what
 * field validation found (api-server.md 2.1, 2.2, 5). Nothing here throws on what a client sends.
 */
import type { KubeObject } from '#api'
import { apiVersionOf } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import type { CheckResult, FieldValidation, Refusal } from './check-fields.ts'
import { badRequest, checkFindings } from './check-fields.ts'
import { decodeMessage, openEnvelope } from './decode-protobuf.ts'
import { mediaTypeOf, tooLarge, unsupportedMediaType } from './media-type.ts'
import type { ParsedText } from './parse-json.ts'
import { parseJson } from './parse-json.ts'
import { parseYaml } from './parse-yaml.ts'

export type { Refusal } from './check-fields.ts'

export type DecodeInput = {
  readonly body: Uint8Array
  readonly contentType: string
  readonly kind: KindDefinition
  readonly fieldValidation: FieldValidation
}

export type DecodeResult =
  { readonly object: KubeObject; readonly warnings: readonly string[] } | { readonly refusal: Refusal }

export function decodeBody(input: DecodeInput): DecodeResult {
  const { body, kind } = input
  const large = tooLarge(body)
  if (large !== undefined) return { refusal: large }
  const media = mediaTypeOf(input.contentType)
  if (media === undefined) return { refusal: unsupportedMediaType() }
  const parsed = media === 'protobuf' ? parseEnvelope(body, kind) : parseText(body, media)
  if ('problem' in parsed) {
    const text = `the object provided is unrecognized (must be of type ${kind.info.kind}): ${parsed.problem}`
    return { refusal: badRequest(text) }
  }
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value)) {
    const text = `the object provided is unrecognized (must be of type ${kind.info.kind}): couldn't get version/kind; the body is not an object`
    return { refusal: badRequest(text) }
  }
  const wrong = wrongType(parsed.value as Record<string, unknown>, kind)
  if (wrong !== undefined) return { refusal: wrong }
  const checked = checkFindings(kind, parsed, input.fieldValidation)
  return 'refusal' in checked ? checked : withType(checked, kind)
}

export function parseText(body: Uint8Array, media: 'json' | 'yaml'): ParsedText {
  const text = new TextDecoder('utf-8', { fatal: false }).decode(body)
  if (media === 'yaml') return parseYaml(text)
  const parsed = parseJson(text)
  return 'problem' in parsed ? { problem: `couldn't get version/kind; json parse error: ${parsed.problem}` } : parsed
}

function parseEnvelope(body: Uint8Array, kind: KindDefinition): ParsedText {
  const envelope = openEnvelope(body)
  if ('problem' in envelope) return envelope
  const { apiVersion, kind: name } = envelope
  // Fields can only be read with the table of the right message.
  if (name !== '' && name !== kind.info.kind) return { value: { apiVersion, kind: name }, duplicates: [] }
  const decoded = decodeMessage(kind.message, envelope.raw)
  if ('problem' in decoded) return decoded
  const type = { ...(apiVersion !== '' && { apiVersion }), ...(name !== '' && { kind: name }) }
  return { value: { ...decoded.value, ...type }, duplicates: [] }
}

function wrongType(value: Readonly<Record<string, unknown>>, kind: KindDefinition): Refusal | undefined {
  const { info } = kind
  const expected = apiVersionOf(info)
  const { apiVersion, kind: name } = value
  if (typeof name === 'string' && name !== '' && name !== info.kind) {
    const version = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : expected
    return badRequest(
      `${name} in version "${version}" cannot be handled as a ${info.kind}: the object is a ${name}, not a ${info.kind}`,
    )
  }
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== expected) {
    return badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    )
  }
  return undefined
}

/** Both are optional in a body whose path already tells them. */
function withType(result: Exclude<CheckResult, { refusal: Refusal }>, kind: KindDefinition): DecodeResult {
  const { info } = kind
  const object: KubeObject = {
    ...result.object,
    apiVersion: apiVersionOf(info),
    kind: info.kind,
    metadata: result.object.metadata ?? { name: '' },
  }
  return { object, warnings: result.warnings }
}
