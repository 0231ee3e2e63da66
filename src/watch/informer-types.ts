import type { KubeObject, ObjectKey } from '#api'

export type InformerEvent<T> = {
  readonly key: ObjectKey
  readonly before: T | undefined
  /** Undefined: deleted. */
  readonly after: T | undefined
}

/** A local, current copy of one resource (list, then watch; relist on 410 and disconnects, without losing deletes). */
export interface Informer<T extends KubeObject> {
  /** Resolves once the first list is complete. */
  readonly synced: Promise<void>
  readonly hasSynced: boolean
  get(key: ObjectKey): T | undefined
  /** Live view; do not modify. */
  readonly items: ReadonlyMap<ObjectKey, T>
  /** Called for each change after it is visible in `items`; the returned function unsubscribes. */
  onChange(listener: (event: InformerEvent<T>) => void): () => void
}
