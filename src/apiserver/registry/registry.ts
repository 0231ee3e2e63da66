/** What every verb works with: the store, the kinds it serves, and time. */
import type { KubeObject, ObjectKey, ResourceInfo } from '#api'
import type { Clock } from '#lib'
import type { KindDefinition, StoreReader, WriteContext } from '../kinds/kind.ts'
import { qualifiedResource } from '../status/index.ts'
import type { StoredObject, Store } from '../storage/index.ts'
import { withViews } from './view-store.ts'

export type User = { readonly name: string; readonly groups: readonly string[]; readonly uid?: string }

export type Registry = {
  readonly store: Store
  readonly clock: Clock
  /** Another array whenever the custom kinds change. */
  readonly kinds: readonly KindDefinition[]
  /** Replaces the kinds that are served beyond those the registry was made with. */
  serveCustom(kinds: readonly KindDefinition[]): void
  /** Called after the kinds have changed. */
  onKinds(listener: () => void): () => void
  /** The store at head as the kinds' rules see it. */
  readonly reader: StoreReader
}

/** What a request may say about any write. */
export type WriteOptions = {
  readonly user: User
  readonly dryRun: boolean
  readonly warn: (text: string) => void
  /** Field manager for managedFields. */
  readonly manager?: string
}

/** One object's address. `namespace` is absent for cluster-scoped kinds. */
export type Target = { readonly kind: KindDefinition; readonly namespace: string | undefined; readonly name: string }

/** The answer of a verb: an object and its JSON; without a stored version after a dry run. */
export type Answer = Pick<StoredObject, 'object' | 'json'>

export function createRegistry(options: {
  readonly store: Store
  readonly clock: Clock
  readonly kinds: readonly KindDefinition[]
}): Registry {
  const { kinds } = options
  let served = kinds
  const listeners = new Set<() => void>()
  const store = withViews(options.store, { kinds: () => served, nameOf: storageName })
  for (const kind of kinds) {
    if (kind.restored === undefined) continue
    for (const stored of store.table(storageName(kind.info)).list()) kind.restored(stored.object)
  }
  return {
    ...options,
    store,
    get kinds() {
      return served
    },
    serveCustom: (custom) => {
      served = [...kinds, ...custom]
      for (const listener of listeners) listener()
    },
    onKinds: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    reader: {
      get: (info, at) => store.head(storageName(info), keyOf(info, at))?.object,
      list: (info, namespace) => store.headList(storageName(info), namespace).map((stored) => stored.object),
    },
  }
}

/** The name under which a resource is stored; independent of the version that is served. */
export function storageName(info: ResourceInfo): string {
  return info.storage ?? qualifiedResource(info)
}

export function keyOf(
  info: ResourceInfo,
  at: { readonly namespace?: string | undefined; readonly name: string },
): ObjectKey {
  return info.namespaced ? `${at.namespace ?? ''}/${at.name}` : at.name
}

export function headOf(registry: Registry, target: Target): StoredObject | undefined {
  return registry.store.head(storageName(target.kind.info), keyOf(target.kind.info, target))
}

export function contextOf(registry: Registry, options: WriteOptions): WriteContext {
  return {
    store: registry.reader,
    now: timestamp(registry.clock.now()),
    dryRun: options.dryRun,
    user: options.user,
    warn: options.warn,
  }
}

/** RFC 3339, UTC, second precision: Go's metav1.Time. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}

export function unstored(object: KubeObject): Answer {
  return { object, json: JSON.stringify(object) }
}
