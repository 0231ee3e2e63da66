/**
 * DELETE: at once, or a mark on the object while something holds it: finalizers, a namespace's content, a pod's grace
 * period (apiserver registry/generic/registry/store.go Delete, rest/delete.go; api-server.md 11).
 */
import type { KubeObject, ObjectMeta, Status } from '#api'
import { notSupported } from '#api'
import type { WriteContext } from '../kinds/kind.ts'
import { sameJson } from '../patch/index.ts'
import {
  conflict,
  failure,
  invalidOptions,
  notFound,
  objectDetails,
  qualifiedKind,
  Refused,
  success,
} from '../status/index.ts'
import type { StoredObject } from '../storage/index.ts'
import { companionChanges, stageAdmitted } from './admit.ts'
import { isHeld } from './namespace-lifecycle.ts'
import type { Answer, Registry, Target, WriteOptions } from './registry.ts'
import { contextOf, headOf, keyOf, storageName, unstored } from './registry.ts'

export type DeleteOptions = {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: string
  readonly orphanDependents?: boolean
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export type DeleteRequest = Target & { readonly deletion: DeleteOptions; readonly options: WriteOptions }

/** `gone: false`: the object is only marked. */
export type Deletion = { readonly last: Answer; readonly gone: boolean }

const POLICIES = ['Background', 'Foreground', 'Orphan']
const COLLECTOR_FINALIZERS = new Set(['orphan', 'foregroundDeletion'])

export async function deleteObject(registry: Registry, request: DeleteRequest): Promise<Deletion> {
  const { committed, ...deletion } = deleteNow(registry, request)
  await committed
  return deletion
}

/** The body of the answer: the object while it lives and for the kinds that always show it, otherwise a Status. */
export function deletionAnswer({ kind }: Target, { last, gone }: Deletion): Answer | Status {
  if (!gone || kind.deleteReturnsObject) return last
  const { uid, name } = last.object.metadata
  return success(objectDetails(kind.info, name, uid === undefined ? {} : { uid }))
}

export function deleteNow(registry: Registry, request: DeleteRequest): Deletion & { committed: Promise<void> } {
  const { kind, name, deletion } = request
  const old = headOf(registry, request)
  if (old === undefined) throw new Refused(notFound(kind.info, name))
  checkOptions(request, old.object)
  const context = contextOf(registry, request.options)
  const marked = withCollectorFinalizers(old.object, deletion)

  const { gracePeriodSeconds } = deletion
  const decision = kind.beforeDelete?.(marked, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }, context)
  if (decision !== undefined && 'refusal' in decision) {
    throw new Refused(failure({ ...decision.refusal, details: objectDetails(kind.info, name) }))
  }
  if (decision !== undefined) return mark(registry, request, { next: decision.deferred, old })
  const next = deletionMarked(marked, context)
  // A grace period that was running ends here: the kind did not ask to wait any longer.
  if (isHeld({ ...next, metadata: { ...next.metadata, deletionGracePeriodSeconds: 0 } })) {
    return mark(registry, request, { next, old })
  }
  return remove(registry, request, old)
}

function mark(
  registry: Registry,
  request: DeleteRequest,
  versions: { readonly next: KubeObject; readonly old: StoredObject },
): Deletion & { committed: Promise<void> } {
  const { kind, name } = request
  const { next, old } = versions
  if (request.options.dryRun) return { last: unstored(next), gone: false, committed: Promise.resolve() }
  if (sameJson(next, old.object)) return { last: old, gone: false, committed: Promise.resolve() }
  const change = {
    resource: storageName(kind.info),
    key: keyOf(kind.info, request),
    object: next,
    expect: old.revision,
  }
  const staged = stageAdmitted(registry.store, [change], { rollback: () => undefined, commit: () => undefined })
  if (staged === undefined) throw new Refused(conflict(kind.info, name))
  return { last: staged.stored, gone: false, committed: staged.committed }
}

function remove(
  registry: Registry,
  request: DeleteRequest,
  old: StoredObject,
): Deletion & { committed: Promise<void> } {
  const { kind, name } = request
  if (request.options.dryRun) return { last: old, gone: true, committed: Promise.resolve() }
  const change = { resource: storageName(kind.info), key: keyOf(kind.info, request), expect: old.revision }
  const settle = { rollback: () => undefined, commit: () => kind.released?.(old.object) }
  const also = companionChanges(kind.removedWith?.(old.object, registry.reader))
  const staged = stageAdmitted(registry.store, [{ ...change, object: undefined }, ...also], settle)
  if (staged === undefined) throw new Refused(conflict(kind.info, name))
  return { last: old, gone: true, committed: staged.committed }
}

function checkOptions({ kind, name, deletion }: DeleteRequest, object: KubeObject): void {
  const { propagationPolicy, preconditions } = deletion
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy)) {
    const error = notSupported('propagationPolicy', propagationPolicy, [...POLICIES, 'nil'])
    throw new Refused(invalidOptions('DeleteOptions', [error]))
  }
  const { uid = '', resourceVersion = '' } = object.metadata
  const refuse = (text: string): never => {
    const subject = `Operation cannot be fulfilled on ${qualifiedKind(kind.info)} "${name}": `
    const status = conflict(kind.info, name, text)
    throw new Refused({ ...status, message: `${subject}${text}` })
  }
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    refuse(
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    refuse(
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    )
  }
}

/** The policy becomes a finalizer that the garbage collector takes away when it has done its part. */
function withCollectorFinalizers(object: KubeObject, deletion: DeleteOptions): KubeObject {
  const policy =
    deletion.propagationPolicy ??
    (deletion.orphanDependents === undefined ? undefined : deletion.orphanDependents ? 'Orphan' : 'Background')
  if (policy === undefined) return object
  const { finalizers: before, ...rest } = object.metadata
  const kept = (before ?? []).filter((finalizer) => !COLLECTOR_FINALIZERS.has(finalizer))
  const added = policy === 'Orphan' ? ['orphan'] : policy === 'Foreground' ? ['foregroundDeletion'] : []
  const finalizers = [...kept, ...added]
  const metadata: ObjectMeta = finalizers.length === 0 ? rest : { ...rest, finalizers }
  return { ...object, metadata }
}

function deletionMarked(object: KubeObject, context: WriteContext): KubeObject {
  const { metadata } = object
  if (metadata.deletionTimestamp !== undefined) return object
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
      deletionTimestamp: context.now,
      deletionGracePeriodSeconds: 0,
    },
  }
}
