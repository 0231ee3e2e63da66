/**
 * The objects an informer holds and who is told of changes. Applying is synchronous: a listener sees `items` as of its
 * event. A listener that throws is reported and hurts nobody else.
 */
import type { KubeObject, ObjectKey } from '#api'
import { objectKey } from '#api'
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { InformerEvent } from './informer-types.ts'

export interface InformerCache<T extends KubeObject> {
  readonly items: ReadonlyMap<ObjectKey, T>
  /** ADDED or MODIFIED. */
  put(object: T): void
  remove(key: ObjectKey): void
  /** Keeps only these keys: the end of a list. */
  retain(keys: ReadonlySet<ObjectKey>): void
  onChange(listener: (event: InformerEvent<T>) => void): () => void
}

export function createInformerCache<T extends KubeObject>(logger: Logger, resource: string): InformerCache<T> {
  const items = new Map<ObjectKey, T>()
  const listeners = new Set<(event: InformerEvent<T>) => void>()

  const tell = (event: InformerEvent<T>): void => {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        logger.error('listener failed', { resource, object: event.key, error: messageOf(error) })
      }
    }
  }
  const remove = (key: ObjectKey): void => {
    const before = items.get(key)
    if (before === undefined) return
    items.delete(key)
    tell({ key, before, after: undefined })
  }
  const put = (object: T): void => {
    const key = objectKey(object)
    const known = items.get(key)
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) {
      // The delete in between was missed: whoever counts by uid must see it (reflector, api-server.md 7.3.6).
      remove(key)
    }
    const before = items.get(key)
    const { resourceVersion } = object.metadata
    if (before !== undefined && resourceVersion !== undefined && before.metadata.resourceVersion === resourceVersion) {
      return
    }
    items.set(key, object)
    tell({ key, before, after: object })
  }

  return {
    items,
    put,
    remove,
    retain: (keys) => {
      for (const key of items.keys()) if (!keys.has(key)) remove(key)
    },
    onChange: (listener) => {
      // A wrapper of its own, so that the same function registered twice is unsubscribed once.
      const own = (event: InformerEvent<T>): void => listener(event)
      listeners.add(own)
      return () => listeners.delete(own)
    },
  }
}
