/** How the tests of this folder decode: by resource name, Strict unless told otherwise. */
import assert from 'node:assert/strict'

import type { KindDefinition } from '../kinds/index.ts'
import { createKinds } from '../kinds/index.ts'
import type { DecodeResult, FieldValidation } from './index.ts'
import { decodeBody } from './index.ts'

export const kinds = createKinds({ serviceCIDRs: ['10.96.0.0/16'] })
export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

export function kindOf(resource: string): KindDefinition {
  const kind = kinds.find(({ info }) => info.resource === resource)
  assert.ok(kind !== undefined)
  return kind
}

export type Input = { readonly type?: string; readonly mode?: FieldValidation; readonly resource?: string }

export function decode(body: string | Uint8Array, input: Input = {}): DecodeResult {
  return decodeBody({
    body: typeof body === 'string' ? Buffer.from(body) : body,
    contentType: input.type ?? 'application/json',
    kind: kindOf(input.resource ?? 'services'),
    fieldValidation: input.mode ?? 'Strict',
  })
}

export function objectOf(result: DecodeResult): Record<string, unknown> {
  assert.ok('object' in result, JSON.stringify(result))
  return result.object as unknown as Record<string, unknown>
}

export function refusalOf(result: DecodeResult): string {
  assert.ok('refusal' in result, JSON.stringify(result))
  return `${result.refusal.code} ${result.refusal.message}`
}
