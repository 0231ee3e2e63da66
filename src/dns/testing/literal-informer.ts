/** An informer fed by hand. */
import type { KubeObject } from '#api'
import { objectKey } from '#api'
import type { Informer, InformerEvent } from '#watch'

export type LiteralInformer<T extends KubeObject> = Informer<T> & {
  put(object: T): void
  remove(key: string): void
  finishSync(): void
}

export function literalInformer<T extends KubeObject>(objects: readonly T[], hasSynced = true): LiteralInformer<T> {
  const items = new Map(objects.map((object) => [objectKey(object), object]))
  const listeners = new Set<(event: InformerEvent<T>) => void>()
  const synced = Promise.withResolvers<void>()
  if (hasSynced) synced.resolve()
  let done = hasSynced
  const emit = (key: string, after: T | undefined): void => {
    const before = items.get(key)
    if (after === undefined) items.delete(key)
    else items.set(key, after)
    for (const listener of listeners) listener({ key, before, after })
  }
  return {
    items,
    synced: synced.promise,
    get hasSynced() {
      return done
    },
    get: (key) => items.get(key),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    put: (object) => emit(objectKey(object), object),
    remove: (key) => emit(key, undefined),
    finishSync: () => {
      done = true
      synced.resolve()
    },
  }
}
