/** The body of a PATCH: which kind of patch its media type says it is, and its JSON. */
import { messageOf } from '#lib'
import { parseJson } from '../codec/index.ts'
import type { PatchKind } from '../registry/index.ts'
import { badRequest, failure, Refused } from '../status/index.ts'

const KINDS: Readonly<Record<string, PatchKind>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
}

/** `apply` goes its own way: its body is an object, not a patch. */
export function patchKindOf(contentType: string | undefined): PatchKind | 'apply' {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  if (kind !== undefined) return kind
  if (type === 'application/apply-patch+yaml') return 'apply'
  const message = '415: Unsupported Media Type'
  throw new Refused(failure({ code: 415, reason: 'UnsupportedMediaType', message, details: {} }))
}

export function decodePatch(body: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (error) {
    throw new Refused(badRequest(`error decoding patch: ${messageOf(error)}`))
  }
  // Bounded in depth, as every body is: what walks a patch is recursive.
  const parsed = parseJson(text)
  if ('problem' in parsed) throw new Refused(badRequest(`error decoding patch: ${parsed.problem}`))
  return parsed.value
}
