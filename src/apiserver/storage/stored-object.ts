/** What the store holds and tells: shared vocabulary of storage, registry and HTTP. */
import type { KubeObject, ObjectKey } from '#api'

/** One version of one object. Deeply frozen; `json` is `object` serialized once, shared by every reader and watcher. */
export type StoredObject = {
  readonly key: ObjectKey
  /** The revision of the write that made this version; also in metadata.resourceVersion. */
  readonly revision: number
  readonly object: KubeObject
  readonly json: string
}

export type StoreEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly revision: number
  /** The new version; for DELETED the last state, with the revision of the deletion. */
  readonly current: StoredObject
  /** The version before; absent for ADDED. Selector transitions need it. */
  readonly previous: StoredObject | undefined
}

/** One step of a transaction. `object: undefined` deletes. */
export type Change = {
  /** Storage name of the resource, e.g. `services` or `leases.coordination.k8s.io`. */
  readonly resource: string
  readonly key: ObjectKey
  readonly object: KubeObject | undefined
  /** Compare-and-set: the revision the key must be at; 0: the key must not exist; undefined: whatever it is. */
  readonly expect: number | undefined
}

/** `kind` and `apiVersion` first, as every Kubernetes client prints them; the rest in the object's own order. */
export function storedForm(key: ObjectKey, revision: number, object: KubeObject): StoredObject {
  const { kind, apiVersion, metadata, ...rest } = object
  const stamped: KubeObject = {
    kind,
    apiVersion,
    metadata: { ...metadata, resourceVersion: String(revision) },
    ...rest,
  }
  return { key, revision, object: deepFreeze(stamped), json: JSON.stringify(stamped) }
}

/** Freezes what is not frozen yet; parts shared with an older version are skipped at once. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
