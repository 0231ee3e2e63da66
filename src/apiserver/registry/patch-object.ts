/**
 * PATCH: the patch makes a new version of the object at head, which then goes the way of every update. No retry loop is
 * needed, since nothing can come between reading and staging; a resourceVersion in the patch is a compare-and-set.
 */
import type { KubeObject } from '#api'
import type { FieldValidation } from '../codec/index.ts'
import { checkFields } from '../codec/index.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import type { JsonObject } from '../patch/index.ts'
import { applyJsonPatch, applyMergePatch, applyStrategicPatch, isObject } from '../patch/index.ts'
import { patchStrategy } from '../schema/index.ts'
import { badRequest, failure, notFound, Refused, unwrap } from '../status/index.ts'
import type { Registry, Target, WriteOptions } from './registry.ts'
import type { Subresource, UpdateAnswer } from './update-object.ts'
import { updateObject } from './update-object.ts'

export type PatchKind = 'json' | 'merge' | 'strategic'

export type PatchRequest = Target & {
  readonly subresource?: Subresource | undefined
  readonly options: WriteOptions
  readonly patchKind: PatchKind
  /** The parsed body. */
  readonly patch: unknown
  readonly fieldValidation: FieldValidation
}

export async function patchObject(registry: Registry, request: PatchRequest): Promise<UpdateAnswer> {
  const { kind, name } = request
  // Custom kinds have no merge keys; clients take this as the word to send a merge patch.
  if (request.patchKind === 'strategic' && kind.structure !== undefined) throw new Refused(unsupportedPatch())
  return updateObject(registry, {
    ...request,
    mayCreate: false,
    change: (old) => {
      if (old === undefined) throw new Refused(notFound(kind.info, name))
      const patched = patchedForm(old, request)
      if (!isObject(patched) || !isObject(patched['metadata'])) {
        throw new Refused(badRequest(`the patched ${kind.info.kind} is not an object with metadata`))
      }
      return checked(patched, request)
    },
  })
}

function patchedForm(old: KubeObject, { kind, patchKind, patch }: PatchRequest): unknown {
  const target = old as unknown as JsonObject
  switch (patchKind) {
    case 'json':
      return unwrap(applyJsonPatch(target, patch)).value
    case 'merge':
      if (!isObject(patch)) {
        throw new Refused(badRequest('error decoding patch: a merge patch must be a JSON object'))
      }
      return applyMergePatch(target, patch)
    case 'strategic':
      return unwrap(applyStrategicPatch(target, patch, lookupOf(kind))).value
  }
}

function unsupportedPatch(): ReturnType<typeof failure> {
  const accepted = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`
  return failure({ code: 415, reason: 'UnsupportedMediaType', message })
}

function lookupOf(kind: KindDefinition): (path: readonly string[]) => ReturnType<typeof patchStrategy> {
  return (path) => patchStrategy(kind.schema, path)
}

function checked(patched: unknown, request: PatchRequest): KubeObject {
  const result = checkFields(request.kind, patched, request.fieldValidation)
  if ('refusal' in result) throw new Refused(failure(result.refusal))
  for (const warning of result.warnings) request.options.warn(warning)
  return result.object
}
