/** JSON patch (RFC 6902) with the limits a server needs: 10,000 operations as upstream, and bounded growth by `copy`. */
import type { Operation } from 'rfc6902'
import { applyPatch } from 'rfc6902'

import type { Status } from '#api'
import { badRequest, bodyTooLarge, failure, unprocessable } from '../status/index.ts'
import type { JsonValue } from './json-value.ts'
import { isObject, sameJson } from './json-value.ts'

const MAX_OPERATIONS = 10_000
/** evanphx/json-patch's AccumulatedCopySizeLimit as kube-apiserver sets it. */
const MAX_COPIED_BYTES = 3 * 1024 * 1024

const OPERATIONS: ReadonlySet<unknown> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

export function applyJsonPatch(target: JsonValue, patch: unknown): { value: JsonValue } | { refusal: Status } {
  if (!Array.isArray(patch)) {
    const kind = isObject(patch) ? 'object' : typeof patch
    const text = `error decoding patch: json: cannot unmarshal ${kind} into Go value of type []handlers.jsonPatchOp`
    return { refusal: badRequest(text) }
  }
  if (patch.length > MAX_OPERATIONS) {
    const message = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`
    return { refusal: failure({ code: 413, reason: 'RequestEntityTooLarge', message }) }
  }
  const document = structuredClone(target) as JsonValue
  const holder = { document }
  let copied = 0
  for (const operation of patch as unknown[]) {
    if (!isOperation(operation)) return { refusal: unprocessable() }
    if (operation.op === 'test') {
      // The library puts both values into a message, which some objects do not survive.
      const found = valueAt(holder.document, operation.path)
      if (found === undefined || !sameJson(found, operation.value)) return { refusal: unprocessable() }
      continue
    }
    if (operation.path === '') {
      // The library walks from a parent; the whole document has none.
      if (operation.op === 'remove') return { refusal: unprocessable() }
      if (operation.op === 'add' || operation.op === 'replace')
        holder.document = structuredClone(operation.value as JsonValue)
      continue
    }
    if (!applies(holder.document, operation)) return { refusal: unprocessable() }
    if (operation.op === 'copy') {
      copied += sizeAt(holder.document, operation.from)
      if (copied > MAX_COPIED_BYTES) return { refusal: bodyTooLarge(MAX_COPIED_BYTES) }
    }
  }
  return { value: holder.document }
}

/** The library throws where a parent turns out to be no container, as it can be after the whole document was replaced. */
function applies(document: JsonValue, operation: Operation): boolean {
  if (typeof document !== 'object' || document === null) return false
  try {
    return applyPatch(document, [operation])[0] === null
  } catch {
    return false
  }
}

function isOperation(value: unknown): value is Operation {
  if (!isObject(value) || typeof value['path'] !== 'string' || !OPERATIONS.has(value['op'])) return false
  if (!isPointer(value['path'])) return false
  const needsFrom = value['op'] === 'move' || value['op'] === 'copy'
  if (needsFrom) {
    const from = value['from']
    if (typeof from !== 'string' || !isPointer(from)) return false
    // RFC 6902 4.4: a location cannot be moved into one of its children.
    return value['op'] === 'copy' || !`${value['path']}/`.startsWith(`${from}/`) || value['path'] === from
  }
  const needsValue = value['op'] === 'add' || value['op'] === 'replace' || value['op'] === 'test'
  return !needsValue || Object.hasOwn(value, 'value')
}

/** RFC 6901: empty, or every step with its slash. */
function isPointer(text: string): boolean {
  return /^(\/|$)/.test(text) && !/\/(__proto__|prototype|constructor)(\/|$)/.test(text)
}

function sizeAt(document: JsonValue, pointer: string): number {
  return JSON.stringify(valueAt(document, pointer) ?? null).length
}

function valueAt(document: JsonValue, pointer: string): unknown {
  let value: unknown = document
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
