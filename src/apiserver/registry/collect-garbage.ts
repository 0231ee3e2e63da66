/**
 * Owners and dependents (pkg/controller/garbagecollector; api-server.md 11): what an owner's deletion does to the objects
 * that name it, and dependents whose owners never existed.
 *
 * Works on commits, not on a timer: each deletion, collector finalizer or new dependent queues the objects concerned, and
 * one pass after the commit handles them through the same verbs that requests use.
 */
import type { KubeObject, OwnerReference } from '#api'
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { KindDefinition } from '../kinds/kind.ts'
import { Refused } from '../status/index.ts'
import type { StoreEvent } from '../storage/index.ts'
import { deleteNow } from './delete-object.ts'
import type { Registry, Target, User } from './registry.ts'
import { storageName } from './registry.ts'
import { updateNow } from './update-object.ts'

const COLLECTOR: User = {
  name: 'system:serviceaccount:kube-system:generic-garbage-collector',
  groups: ['system:masters'],
}

type Member = { readonly kind: KindDefinition; readonly object: KubeObject }

/** Starts collecting; the returned function stops it. */
export function collectGarbage(registry: Registry, logger: Logger): () => void {
  const { store } = registry
  const byUid = new Map<string, Member>()
  const dependents = new Map<string, Map<string, Member>>()
  const owners = new Set<string>()
  const orphans = new Set<string>()
  let scheduled = false

  const index = (kind: KindDefinition, object: KubeObject, present: boolean): void => {
    const uid = object.metadata.uid ?? ''
    if (present) byUid.set(uid, { kind, object })
    else byUid.delete(uid)
  }
  const link = (kind: KindDefinition, object: KubeObject, present: boolean): void => {
    const uid = object.metadata.uid ?? ''
    for (const owner of object.metadata.ownerReferences ?? []) {
      const group = dependents.get(owner.uid) ?? new Map<string, Member>()
      if (present) dependents.set(owner.uid, group.set(uid, { kind, object }))
      else if (group.delete(uid) && group.size === 0) dependents.delete(owner.uid)
    }
  }
  const observe = (kind: KindDefinition, event: Pick<StoreEvent, 'type' | 'current' | 'previous'>): void => {
    const { object } = event.current
    if (event.previous !== undefined) link(kind, event.previous.object, false)
    const present = event.type !== 'DELETED'
    index(kind, object, present)
    const uid = object.metadata.uid ?? ''
    if (present) {
      link(kind, object, true)
      if ((object.metadata.ownerReferences ?? []).length > 0) orphans.add(uid)
    }
    if (!present || collectorFinalizer(object) !== undefined) owners.add(uid)
    if (!present) for (const owner of object.metadata.ownerReferences ?? []) owners.add(owner.uid)
    if (owners.size + orphans.size > 0) schedule()
  }
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(pass)
  }
  let stopped = false

  const pass = (): void => {
    scheduled = false
    if (stopped) return
    for (const uid of take(owners)) attempt(() => handleOwner(uid))
    for (const uid of take(orphans)) attempt(() => handleDependent(uid))
  }
  const attempt = (task: () => void): void => {
    try {
      task()
    } catch (error) {
      // A refused step (a conflict, a namespace that is going) is looked at again with the next event of that object.
      if (!(error instanceof Refused)) logger.error('garbage collection failed', { reason: messageOf(error) })
    }
  }

  const handleOwner = (uid: string): void => {
    const owner = byUid.get(uid)
    const group = [...(dependents.get(uid)?.values() ?? [])]
    if (owner === undefined) {
      for (const { object } of group) orphans.add(object.metadata.uid ?? '')
      if (group.length > 0) schedule()
      return
    }
    const finalizer = collectorFinalizer(owner.object)
    if (finalizer === 'orphan') {
      for (const member of group) attempt(() => dropOwners(member, (reference) => reference.uid === uid))
      if (group.length === 0) removeFinalizer(owner, 'orphan')
      // Otherwise the events of the dependents' last versions bring us back here.
      else owners.add(uid)
      if (group.length > 0) schedule()
    } else if (finalizer === 'foregroundDeletion') {
      for (const member of group) attempt(() => deleteMember(member, 'Foreground'))
      const blocking = [...(dependents.get(uid)?.values() ?? [])].some(({ object }) =>
        (object.metadata.ownerReferences ?? []).some((ref) => ref.uid === uid && ref.blockOwnerDeletion === true),
      )
      if (!blocking) removeFinalizer(owner, 'foregroundDeletion')
    }
  }

  const handleDependent = (uid: string): void => {
    const member = byUid.get(uid)
    const references = member?.object.metadata.ownerReferences ?? []
    if (member === undefined || references.length === 0) return
    const exists = (reference: OwnerReference): boolean => isOwner(byUid.get(reference.uid), member.object)
    const absent = references.filter((reference) => !exists(reference))
    if (absent.length === 0) return
    if (absent.length === references.length) deleteMember(member, 'Background')
    else dropOwners(member, (reference) => !exists(reference))
  }

  const deleteMember = ({ kind, object }: Member, propagationPolicy: string): void => {
    if (object.metadata.deletionTimestamp !== undefined) return
    const { uid } = object.metadata
    const preconditions = uid === undefined ? {} : { preconditions: { uid } }
    deleteNow(registry, { ...targetOf(kind, object), deletion: { propagationPolicy, ...preconditions }, options })
  }
  const dropOwners = ({ kind, object }: Member, drop: (reference: OwnerReference) => boolean): void => {
    change(kind, object, (current) => {
      const { ownerReferences = [], ...rest } = current.metadata
      const kept = ownerReferences.filter((reference) => !drop(reference))
      return { ...current, metadata: { ...rest, ...(kept.length === 0 ? {} : { ownerReferences: kept }) } }
    })
  }
  const removeFinalizer = ({ kind, object }: Member, finalizer: string): void => {
    change(kind, object, (current) => {
      const { finalizers = [], ...rest } = current.metadata
      return { ...current, metadata: { ...rest, finalizers: finalizers.filter((one) => one !== finalizer) } }
    })
  }
  const change = (kind: KindDefinition, object: KubeObject, next: (current: KubeObject) => KubeObject): void => {
    updateNow(registry, {
      ...targetOf(kind, object),
      options,
      mayCreate: false,
      change: (current) =>
        current?.metadata.uid === object.metadata.uid && current !== undefined ? next(current) : object,
    })
  }

  const options = { user: COLLECTOR, dryRun: false, warn: () => undefined, manager: 'kube-controller-manager' }
  const followed = new Map<string, () => void>()
  const follow = (): void => {
    // A view has no objects of its own.
    for (const kind of registry.kinds.filter(({ view }) => view === undefined)) {
      const resource = storageName(kind.info)
      if (followed.has(resource)) continue
      for (const stored of store.table(resource).list())
        observe(kind, { type: 'ADDED', current: stored, previous: undefined })
      followed.set(
        resource,
        store.subscribe(resource, (events) => {
          for (const event of events) observe(kind, event)
        }),
      )
    }
  }
  follow()
  const stopFollowing = registry.onKinds(follow)
  return () => {
    stopped = true
    stopFollowing()
    for (const stop of followed.values()) stop()
  }
}

function take(set: Set<string>): string[] {
  const values = [...set]
  set.clear()
  return values
}

function targetOf(kind: KindDefinition, object: KubeObject): Target {
  return { kind, namespace: object.metadata.namespace, name: object.metadata.name }
}

function collectorFinalizer(object: KubeObject): 'orphan' | 'foregroundDeletion' | undefined {
  if (object.metadata.deletionTimestamp === undefined) return undefined
  return (object.metadata.finalizers ?? []).find((one) => one === 'orphan' || one === 'foregroundDeletion') as
    'orphan' | 'foregroundDeletion' | undefined
}

/** A namespaced owner counts only inside its own namespace. */
function isOwner(owner: Member | undefined, dependent: KubeObject): boolean {
  if (owner === undefined) return false
  const { namespace } = owner.object.metadata
  return namespace === undefined || namespace === dependent.metadata.namespace
}
