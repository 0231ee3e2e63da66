/**
 * The store as kinds with views see it: what is stored for one kind is read, watched and written under a second name in
 * that name's form, with the same revisions. A version is converted once, for all its readers.
 */
import type { KindDefinition, ViewDefinition } from '../kinds/kind.ts'
import type { KubeObject } from '#api'
import type { Change, ObjectTable, StageResult, Store, StoredObject, StoreEvent } from '../storage/index.ts'

type View = {
  readonly resource: string
  readonly definition: ViewDefinition<KubeObject>
  readonly seen: WeakMap<StoredObject, StoredObject>
}

export function withViews(
  store: Store,
  options: {
    readonly kinds: () => readonly KindDefinition[]
    readonly nameOf: (info: KindDefinition['info']) => string
  },
): Store {
  const { nameOf } = options
  let known: readonly KindDefinition[] | undefined
  let table = new Map<string, View>()
  const views = {
    get: (resource: string): View | undefined => {
      const kinds = options.kinds()
      if (kinds !== known) {
        known = kinds
        table = new Map(
          kinds.flatMap(({ info, view }) =>
            view === undefined
              ? []
              : [[nameOf(info), { resource: nameOf(view.of), definition: view, seen: new WeakMap() }] as const],
          ),
        )
      }
      return table.get(resource)
    },
  }

  const stagedAs = (change: Change): Change => {
    const view = views.get(change.resource)
    if (view === undefined) return change
    const { resource, definition } = view
    const { key, object } = change
    const stored = store.head(resource, key)?.object
    return { ...change, resource, object: object === undefined ? undefined : definition.toStored(object, stored) }
  }
  const stage = (changes: readonly Change[]): StageResult => {
    const result = store.stage(changes.map(stagedAs))
    if ('conflict' in result) return result
    // Deletions of what is not there stage nothing, so that only a list of equal length can be matched up.
    if (result.staged.length !== changes.length) return result
    const staged = result.staged.map((stored, i) => {
      const view = views.get(changes[i]?.resource ?? '')
      return view === undefined ? stored : converted(view, stored)
    })
    return { ...result, staged }
  }
  return {
    get revision() {
      return store.revision
    },
    table: (resource) => {
      const view = views.get(resource)
      return view === undefined ? store.table(resource) : viewTable(store.table(view.resource), view)
    },
    head: (resource, key) => {
      const view = views.get(resource)
      if (view === undefined) return store.head(resource, key)
      const stored = store.head(view.resource, key)
      return stored === undefined ? undefined : converted(view, stored)
    },
    headList: (resource, namespace) => {
      const view = views.get(resource)
      if (view === undefined) return store.headList(resource, namespace)
      return store.headList(view.resource, namespace).map((stored) => converted(view, stored))
    },
    stage,
    subscribe: (resource, listener) => {
      const view = views.get(resource)
      if (view === undefined) return store.subscribe(resource, listener)
      return store.subscribe(view.resource, (events) => listener(events.map((event) => convertedEvent(view, event))))
    },
    onCommit: (listener) => store.onCommit(listener),
    close: () => store.close(),
  }
}

function viewTable(table: ObjectTable, view: View): ObjectTable {
  return {
    get size() {
      return table.size
    },
    get: (key) => {
      const stored = table.get(key)
      return stored === undefined ? undefined : converted(view, stored)
    },
    list: (namespace) => table.list(namespace).map((stored) => converted(view, stored)),
    listAt: (revision, namespace) => table.listAt(revision, namespace)?.map((stored) => converted(view, stored)),
    window: {
      get floor() {
        return table.window.floor
      },
      get length() {
        return table.window.length
      },
      after: (revision) => table.window.after(revision)?.map((event) => convertedEvent(view, event)),
    },
  }
}

function convertedEvent(view: View, event: StoreEvent): StoreEvent {
  const { current, previous } = event
  return {
    ...event,
    current: converted(view, current),
    previous: previous === undefined ? undefined : converted(view, previous),
  }
}

function converted(view: View, stored: StoredObject): StoredObject {
  let made = view.seen.get(stored)
  if (made === undefined) {
    const object = view.definition.fromStored(stored.object)
    made = { ...stored, object, json: JSON.stringify(object) }
    view.seen.set(stored, made)
  }
  return made
}
