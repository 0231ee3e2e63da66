/** Server-side apply (KEP-555; api-server.md 10.3): PATCH `application/apply-patch+yaml`, create and update in one. */
import type { KubeObject } from '#api'
import { apiVersionOf } from '#api'
import { badRequest, conflict, failure, objectDetails, Refused } from '../status/index.ts'
import { checkIdentity } from './create-object.ts'
import type { FieldConflict } from './managed-fields.ts'
import { applyManaged, duplicateItem } from './managed-fields.ts'
import type { Registry, Target, WriteOptions } from './registry.ts'
import { contextOf } from './registry.ts'
import type { Subresource, UpdateAnswer } from './update-object.ts'
import { updateObject } from './update-object.ts'

export type ApplyRequest = Target & {
  readonly subresource?: Subresource | undefined
  readonly options: WriteOptions & { readonly manager: string }
  readonly applied: KubeObject
  readonly force: boolean
}

export function applyObject(registry: Registry, request: ApplyRequest): Promise<UpdateAnswer> {
  const { kind, name, namespace, applied, options, subresource, force } = request
  checkIdentity({ kind, namespace, object: applied })
  if (applied.metadata.managedFields !== undefined && applied.metadata.managedFields.length > 0) {
    throw new Refused(badRequest('metadata.managedFields must be nil'))
  }
  const twice = duplicateItem(kind, applied)
  if (twice !== undefined)
    throw new Refused(typedPatchProblem(request, `${twice.list}: duplicate entries for key ${twice.key}`))
  const { now } = contextOf(registry, options)
  return updateObject(registry, {
    ...request,
    mayCreate: true,
    isApply: true,
    change: (live) => {
      const { uid, resourceVersion, name: ownName } = applied.metadata
      if (live === undefined && uid !== undefined) {
        throw new Refused(
          conflict(
            kind.info,
            name,
            `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
          ),
        )
      }
      const writer = { manager: options.manager, now, subresource, force }
      const outcome = applyManaged(kind, { live, applied }, writer)
      if ('conflicts' in outcome) throw new Refused(conflictStatus(request, outcome.conflicts))
      // Preconditions of the applied object are those of the write; the name is checked against the path.
      const metadata = {
        ...outcome.object.metadata,
        name: ownName || name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      }
      return { ...outcome.object, metadata }
    },
  })
}

/** Upstream answers 500 when the applied object does not fit the schema (api-server.md 10.3). */
export function typedPatchProblem({ kind, name, namespace }: Target, problem: string): ReturnType<typeof failure> {
  const { info } = kind
  const object = `${namespace ?? ''}/${name}; ${apiVersionOf(info)}, Kind=${info.kind}`
  return failure({ code: 500, message: `failed to create typed patch object (${object}): ${problem}` })
}

function conflictStatus({ kind, name }: Target, conflicts: readonly FieldConflict[]): ReturnType<typeof failure> {
  const causes = conflicts.map(({ manager, operation, apiVersion, field }) => {
    // Apply managers are named alone, others with what they did.
    const using = operation === 'Update' ? ` using ${apiVersion}` : ''
    return { reason: 'FieldManagerConflict', message: `conflict with ${JSON.stringify(manager)}${using}`, field }
  })
  const groups = Map.groupBy(causes, ({ message }) => message)
  const [first] = causes
  const text =
    causes.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: ${first.message}: ${first.field}`
      : `Apply failed with ${causes.length} conflicts: ${[...groups]
          .map(
            ([message, list]) =>
              `${message.replace('conflict', 'conflicts')}:\n${list.map(({ field }) => `- ${field}`).join('\n')}`,
          )
          .join('\n')}`
  return failure({ code: 409, reason: 'Conflict', message: text, details: objectDetails(kind.info, name, { causes }) })
}
