/**
 * PUT, PATCH and their subresources: a new version made from the old one (apiserver registry/generic/registry/store.go
 * Update, registry/rest/update.go). A write that changes nothing keeps its resourceVersion and is not an event.
 */
import type { KubeObject, ObjectMeta } from '#api'
import { invalid } from '#api'
import type { WriteContext } from '../kinds/kind.ts'
import { sameJson } from '../patch/index.ts'
import { badRequest, conflict, notFound, Refused } from '../status/index.ts'
import type { StoredObject } from '../storage/index.ts'
import { admit, companionChanges, refuseInvalid, stageAdmitted } from './admit.ts'
import { checkIdentity, createNow } from './create-object.ts'
import { trackUpdate } from './managed-fields.ts'
import { isHeld } from './namespace-lifecycle.ts'
import type { Answer, Registry, Target, WriteOptions } from './registry.ts'
import { contextOf, headOf, keyOf, storageName, unstored } from './registry.ts'

export type Subresource = 'status' | 'finalize'

export type UpdateRequest = Target & {
  readonly subresource?: Subresource | undefined
  readonly options: WriteOptions
  /** The wanted object; `old` is undefined if there is none. May throw `Refused`. */
  readonly change: (old: KubeObject | undefined) => KubeObject
  /** Whether a missing object is created. */
  readonly mayCreate: boolean
  /** Server-side apply: `change` has set managedFields itself. */
  readonly isApply?: boolean
}

export type UpdateAnswer = { readonly answer: Answer; readonly created: boolean }

type AnyObject = KubeObject & { readonly status?: unknown; readonly spec?: unknown }

export async function updateObject(registry: Registry, request: UpdateRequest): Promise<UpdateAnswer> {
  const { answer, created, committed } = updateNow(registry, request)
  await committed
  return { answer, created }
}

export function updateNow(registry: Registry, request: UpdateRequest): UpdateAnswer & { committed: Promise<void> } {
  const { kind, name, namespace, options, subresource } = request
  const old = headOf(registry, request)
  const wanted = request.change(old?.object)
  checkIdentity({ kind, namespace, object: wanted })
  const wantedName = wanted.metadata?.name ?? ''
  if (wantedName !== '' && wantedName !== name) {
    const text = `the name of the object (${wantedName}) does not match the name on the URL (${name})`
    throw new Refused(badRequest(text))
  }
  if (old === undefined) {
    if (!request.mayCreate || subresource !== undefined) throw new Refused(notFound(kind.info, name))
    const { resourceVersion: _ignored, ...metadata } = { ...wanted.metadata, name }
    const made = createNow(registry, {
      kind,
      namespace,
      object: { ...wanted, metadata },
      options,
      isApply: request.isApply === true,
    })
    return { ...made, created: true }
  }
  checkPreconditions(request, wanted, old)

  const context = contextOf(registry, options)
  const { asked, next } = nextVersion(request, { wanted, old: old.object }, context)
  refuseInvalid(kind, name, kind.validateUpdate(next, old.object, context))
  return { ...write(registry, { ...request, asked, next, old }, context), created: false }
}

function checkPreconditions(request: UpdateRequest, wanted: KubeObject, old: StoredObject): void {
  const { kind, name } = request
  const { uid, resourceVersion } = wanted.metadata
  const oldUid = old.object.metadata.uid ?? ''
  if (uid !== undefined && uid !== '' && uid !== oldUid) {
    const text = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${oldUid}`
    throw new Refused(conflict(kind.info, name, text))
  }
  if (resourceVersion === undefined || resourceVersion === '') {
    if (kind.unconditionalUpdate) return
    refuseInvalid(kind, name, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
  } else if (!/^\d{1,19}$/.test(resourceVersion)) {
    refuseInvalid(kind, name, [invalid('metadata.resourceVersion', resourceVersion, 'must be an unsigned integer')])
  } else if (resourceVersion !== old.object.metadata.resourceVersion && resourceVersion !== '0') {
    throw new Refused(conflict(kind.info, name))
  }
}

function nextVersion(
  request: UpdateRequest,
  versions: { readonly wanted: AnyObject; readonly old: AnyObject },
  context: WriteContext,
): { readonly asked: KubeObject; readonly next: KubeObject } {
  const { kind, subresource } = request
  const { old } = versions
  const metadata = carriedMeta(versions.wanted.metadata, old.metadata)
  const wanted: AnyObject = { ...versions.wanted, kind: old.kind, apiVersion: old.apiVersion, metadata }
  const scoped = inScope(wanted, old, request)
  const defaulted = kind.defaults(scoped)
  // Only the main resource is the kind's to prepare: there `status` is already the old one.
  const prepared = subresource === undefined ? kind.prepareForUpdate(defaulted, old, context) : defaulted
  const labelled = kind.generationFollowsLabels === true && !sameJson(prepared.metadata.labels, old.metadata.labels)
  if (!kind.hasGeneration || (sameSpec(prepared, old) && !labelled)) return { asked: defaulted, next: prepared }
  const generation = (old.metadata.generation ?? 0) + 1
  return { asked: defaulted, next: { ...prepared, metadata: { ...prepared.metadata, generation } } }
}

/** What this path may write; the rest stays as it was. */
function inScope(wanted: AnyObject, old: AnyObject, request: UpdateRequest): AnyObject {
  const { metadata } = wanted
  if (request.subresource === 'status') {
    const { status: _old, ...rest } = old
    return { ...rest, metadata, ...(wanted.status === undefined ? {} : { status: wanted.status }) }
  }
  if (request.subresource === 'finalize') {
    const finalizers = (wanted.spec as { finalizers?: unknown } | undefined)?.finalizers
    return { ...old, spec: { ...(old.spec as object), finalizers: finalizers ?? [] } } as AnyObject
  }
  if (!request.kind.hasStatus) return wanted
  const { status: _new, ...rest } = wanted
  return { ...rest, ...(old.status === undefined ? {} : { status: old.status }) }
}

/** Identity and deletion state are the server's; a client may leave them out. */
function carriedMeta(meta: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { generation: _generation, resourceVersion: _revision, ...own } = meta
  return {
    ...(old.managedFields === undefined ? {} : { managedFields: old.managedFields }),
    ...own,
    name: old.name,
    ...(old.namespace === undefined ? {} : { namespace: old.namespace }),
    ...(old.generateName === undefined ? {} : { generateName: meta.generateName ?? old.generateName }),
    ...(old.uid === undefined ? {} : { uid: old.uid }),
    ...(old.generation === undefined ? {} : { generation: old.generation }),
    ...(old.creationTimestamp === undefined ? {} : { creationTimestamp: old.creationTimestamp }),
    ...(old.deletionTimestamp === undefined ? {} : { deletionTimestamp: old.deletionTimestamp }),
    ...(old.deletionGracePeriodSeconds === undefined
      ? {}
      : { deletionGracePeriodSeconds: meta.deletionGracePeriodSeconds ?? old.deletionGracePeriodSeconds }),
  }
}

function sameSpec(a: AnyObject, b: AnyObject): boolean {
  const { metadata: _ma, status: _sa, ...restA } = a
  const { metadata: _mb, status: _sb, ...restB } = b
  return sameJson(restA, restB)
}

function write(
  registry: Registry,
  request: UpdateRequest & { readonly asked: KubeObject; readonly next: KubeObject; readonly old: StoredObject },
  context: WriteContext,
): { answer: Answer; committed: Promise<void> } {
  const { kind, name, next, old, options } = request
  const change = { resource: storageName(kind.info), key: keyOf(kind.info, request), expect: old.revision }
  const going = next.metadata.deletionTimestamp !== undefined && !isHeld(next)
  if (going) {
    if (options.dryRun) return { answer: unstored(next), committed: Promise.resolve() }
    // The last hold is gone: this write is the deletion (api-server.md 11).
    const settle = { rollback: () => undefined, commit: () => kind.released?.(old.object) }
    const also = companionChanges(kind.removedWith?.(old.object, registry.reader))
    const staged = stageAdmitted(registry.store, [{ ...change, object: undefined }, ...also], settle)
    if (staged === undefined) throw new Refused(conflict(kind.info, name))
    return { answer: unstored(next), committed: staged.committed }
  }
  const unchanged = (object: KubeObject): boolean => sameJson(withoutRevision(object), withoutRevision(old.object))
  if (unchanged(next)) return { answer: old, committed: Promise.resolve() }

  const admitted =
    request.subresource === undefined
      ? admit(kind, { object: next, old: old.object }, context)
      : { object: next, rollback: () => undefined, commit: () => undefined, also: [] }
  if (!options.dryRun && unchanged(admitted.object)) {
    admitted.rollback()
    return { answer: old, committed: Promise.resolve() }
  }
  const versions = { asked: request.asked, next: admitted.object, old: old.object }
  const object = tracked(request, versions, context.now)
  if (options.dryRun) {
    admitted.rollback()
    const { resourceVersion } = old.object.metadata
    const metadata = { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) }
    return { answer: unstored({ ...object, metadata }), committed: Promise.resolve() }
  }
  const staged = stageAdmitted(registry.store, [{ ...change, object }, ...admitted.also], admitted)
  if (staged === undefined) throw new Refused(conflict(kind.info, name))
  return { answer: staged.stored, committed: staged.committed }
}

/** Every write moves what it changed to its own manager. */
function tracked(
  request: UpdateRequest,
  versions: { readonly asked: KubeObject; readonly next: KubeObject; readonly old: KubeObject },
  now: string,
): KubeObject {
  const { kind, options, subresource, isApply } = request
  if (isApply === true) return versions.next
  return trackUpdate(kind, versions, { manager: options.manager ?? 'unknown', now, subresource })
}

function withoutRevision(object: KubeObject): unknown {
  const { resourceVersion: _revision, ...metadata } = object.metadata
  return { ...object, metadata }
}
