/**
 * All objects, one revision counter, and the order in which things become true:
 *
 *   stage (synchronous: compare, assign revision)  →  end of tick: one durable commit for everything staged
 *     →  memory  →  watchers  →  the promise of `stage` resolves
 *
 * Readers and watchers see only what is on disk. Writers of the same tick see each other through `head`, so that a
 * check-validate-allocate-store step without `await` is atomic (api-server.md 16.3). If the commit fails, nothing
 * of the tick happened; its revisions are skipped, never reused.
 */
import type { KubeObject, ObjectKey } from '#api'
import type { Clock } from '#lib'
import { messageOf, SignalboxError } from '#lib'

import type { ObjectDatabase } from './database.ts'
import type { WindowLimits } from './event-window.ts'
import { DEFAULT_WINDOW } from './event-window.ts'
import type { EventListener, ObjectTable } from './resource-table.ts'
import { ResourceTable } from './resource-table.ts'
import type { Change, StoredObject, StoreEvent } from './stored-object.ts'
import { deepFreeze, storedForm } from './stored-object.ts'

export type StageResult =
  | { readonly conflict: Change }
  | {
      /** One a change: the new version, or for a deletion the last state with the deletion's revision. */
      readonly staged: readonly StoredObject[]
      /** Resolves once all of it is on disk and published; rejects with SBX_STORE_COMMIT if it is not. */
      readonly committed: Promise<void>
    }

export interface Store {
  /** The last committed revision. */
  readonly revision: number
  /** Committed state of one resource. */
  table(resource: string): ObjectTable
  /** What a writer must compare with: committed or staged in this tick. */
  head(resource: string, key: ObjectKey): StoredObject | undefined
  headList(resource: string, namespace?: string): readonly StoredObject[]
  /** All or nothing. */
  stage(changes: readonly Change[]): StageResult
  subscribe(resource: string, listener: EventListener): () => void
  /** Called after each commit, when the new revision is visible. */
  onCommit(listener: (revision: number) => void): () => void
  /** Commits what is staged and closes the file. */
  close(): void
}

export type StoreOptions = {
  readonly database: ObjectDatabase
  readonly clock: Clock
  readonly window?: WindowLimits
  /** Runs the commit at the end of the tick; `setImmediate` if not given. */
  readonly defer?: (task: () => void) => void
}

type PendingEvent = { readonly resource: string; readonly event: StoreEvent }

type Batch = { readonly events: PendingEvent[]; readonly done: PromiseWithResolvers<void> }

export function createStore(options: StoreOptions): Store {
  const { database, clock } = options
  const limits = options.window ?? DEFAULT_WINDOW
  const defer = options.defer ?? ((task: () => void) => void setImmediate(task))
  const tables = new Map<string, ResourceTable>()
  const overlays = new Map<string, Map<ObjectKey, StoredObject | undefined>>()
  const commitListeners = new Set<(revision: number) => void>()
  const start = database.revision
  let committedRevision = start
  let lastRevision = start
  let batch: Batch | undefined
  let closed = false

  const table = (resource: string): ResourceTable => {
    let found = tables.get(resource)
    if (found === undefined) tables.set(resource, (found = new ResourceTable(limits, start)))
    return found
  }

  for (const row of database.rows()) {
    const object = deepFreeze(JSON.parse(row.json) as KubeObject)
    table(row.resource).put({ key: row.key, revision: row.revision, object, json: row.json })
  }

  const head = (resource: string, key: ObjectKey): StoredObject | undefined => {
    const overlay = overlays.get(resource)
    return overlay?.has(key) === true ? overlay.get(key) : table(resource).get(key)
  }

  const overlayOf = (resource: string): Map<ObjectKey, StoredObject | undefined> => {
    let overlay = overlays.get(resource)
    if (overlay === undefined) overlays.set(resource, (overlay = new Map()))
    return overlay
  }

  const stageOne = (change: Change): PendingEvent | undefined => {
    const previous = head(change.resource, change.key)
    if (change.object === undefined && previous === undefined) return undefined
    lastRevision += 1
    const current = storedForm(change.key, lastRevision, change.object ?? (previous as StoredObject).object)
    overlayOf(change.resource).set(change.key, change.object === undefined ? undefined : current)
    const type = change.object === undefined ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED'
    return { resource: change.resource, event: { type, revision: lastRevision, current, previous } }
  }

  const flush = (): void => {
    if (batch === undefined) return
    const { events, done } = batch
    batch = undefined
    try {
      database.commit({ revision: lastRevision, ...finalRows(events) })
    } catch (error) {
      overlays.clear()
      done.reject(
        new SignalboxError('SBX_STORE_COMMIT', `the write could not be stored: ${messageOf(error)}`, { cause: error }),
      )
      return
    }
    overlays.clear()
    committedRevision = lastRevision
    publish(events)
    done.resolve()
  }

  const publish = (events: readonly PendingEvent[]): void => {
    const now = clock.monotonic()
    for (const { resource, event } of events) {
      const target = table(resource)
      if (event.type === 'DELETED') target.remove(event.current.key)
      else target.put(event.current)
      target.window.push(event, now)
    }
    for (const [resource, group] of Map.groupBy(events, (pending) => pending.resource)) {
      const list = group.map((pending) => pending.event)
      for (const listener of table(resource).listeners) listener(list)
    }
    for (const listener of commitListeners) listener(committedRevision)
  }

  return {
    get revision() {
      return committedRevision
    },
    table,
    head,
    headList: (resource, namespace) => {
      const overlay = overlays.get(resource)
      if (overlay === undefined || overlay.size === 0) return table(resource).list(namespace)
      const state = new Map(
        table(resource)
          .list(namespace)
          .map((stored) => [stored.key, stored]),
      )
      for (const [key, stored] of overlay) {
        if (namespace !== undefined && !key.startsWith(`${namespace}/`)) continue
        if (stored === undefined) state.delete(key)
        else state.set(key, stored)
      }
      return [...state.values()]
    },
    stage: (changes) => {
      if (closed) throw new SignalboxError('SBX_STORE_CLOSED', 'the store is closed')
      const stale = changes.find(
        (change) => change.expect !== undefined && (head(change.resource, change.key)?.revision ?? 0) !== change.expect,
      )
      if (stale !== undefined) return { conflict: stale }
      const events = changes.map(stageOne).filter((event) => event !== undefined)
      const isFirst = batch === undefined
      batch ??= { events: [], done: Promise.withResolvers() }
      batch.events.push(...events)
      const committed = batch.done.promise
      if (isFirst) {
        // A caller that does not wait must not end the process when the commit fails; those that wait see the rejection.
        committed.catch(() => undefined)
        defer(flush)
      }
      return { staged: events.map(({ event }) => event.current), committed }
    },
    subscribe: (resource, listener) => {
      const { listeners } = table(resource)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    onCommit: (listener) => {
      commitListeners.add(listener)
      return () => void commitListeners.delete(listener)
    },
    close: () => {
      if (closed) return
      flush()
      closed = true
      database.close()
    },
  }
}

/** The last event of each key decides its row. */
function finalRows(events: readonly PendingEvent[]): {
  puts: { resource: string; key: string; revision: number; json: string }[]
  deletes: { resource: string; key: string }[]
} {
  const last = new Map(events.map((pending) => [`${pending.resource} ${pending.event.current.key}`, pending]))
  const puts = []
  const deletes = []
  for (const { resource, event } of last.values()) {
    const { key, revision, json } = event.current
    if (event.type === 'DELETED') deletes.push({ resource, key })
    else puts.push({ resource, key, revision, json })
  }
  return { puts, deletes }
}
