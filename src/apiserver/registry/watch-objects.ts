/**
 * Watches (api-server.md 7.2): initial state, then every committed change in order, with selector transitions, bookmarks
 * and the deadline. Snapshot and subscription happen in one turn of the event loop, so no event can fall in between.
 */
import { randomInt } from 'node:crypto'

import type { FieldError, Status } from '#api'
import { forbidden } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import { expired, failure, invalidOptions, Refused } from '../status/index.ts'
import type { StoredObject, StoreEvent } from '../storage/index.ts'
import { storedForm } from '../storage/index.ts'
import type { Registry } from './registry.ts'
import { keyOf, storageName } from './registry.ts'
import type { RevisionOptions } from './resource-version.ts'
import type { Selection, SelectorTexts } from './select-objects.ts'
import { selectObjects } from './select-objects.ts'

export type WatchRequest = SelectorTexts &
  RevisionOptions & {
    readonly kind: KindDefinition
    readonly namespace: string | undefined
    /** Set for a watch on one object's own path. */
    readonly name: string | undefined
    readonly allowBookmarks: boolean
    readonly sendInitialEvents: boolean | undefined
    readonly timeoutSeconds: number | undefined
  }

export type WatchNotice =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly stored: StoredObject }
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly initialEnd: boolean }
  | { readonly type: 'ERROR'; readonly status: Status }

export type WatchSink = {
  /** Notices that belong together, to be written at once. */
  readonly send: (notices: readonly WatchNotice[]) => void
  /** The watch is over; nothing follows. */
  readonly end: () => void
}

const BOOKMARK_MILLISECONDS = 60_000
/** A last bookmark this long before the deadline lets the client resume without replay. */
const LAST_BOOKMARK_MILLISECONDS = 2_000
/** Upstream's default deadline: min-request-timeout to twice of it, so that clients do not return all at once. */
const DEFAULT_TIMEOUT_SECONDS = { min: 1_800, max: 3_600 }

/** Checks the request (throws `Refused`), then delivers until the returned function is called or the deadline passes. */
export function watchObjects(registry: Registry, request: WatchRequest, sink: WatchSink): () => void {
  const { store, clock } = registry
  checkOptions(request)
  const selection = selectObjects(request.kind, request)
  const revision = parseWatchRevision(request.resourceVersion)
  const resource = storageName(request.kind.info)
  const inScope = scopeOf(request, selection)

  const timeout = 1000 * (request.timeoutSeconds ?? randomInt(DEFAULT_TIMEOUT_SECONDS.min, DEFAULT_TIMEOUT_SECONDS.max))
  let stopped = false
  const cleanups: (() => void)[] = []
  const stop = (): void => {
    stopped = true
    for (const cleanup of cleanups.splice(0)) cleanup()
  }
  const bookmark = (initialEnd: boolean): WatchNotice => ({
    type: 'BOOKMARK',
    revision: Math.max(store.revision, revision),
    initialEnd,
  })

  const initial = initialNotices(registry, { request, selection, revision, inScope })
  if ('status' in initial) {
    sink.send([{ type: 'ERROR', status: initial.status }])
    sink.end()
    return stop
  }
  const notices = [...initial.notices]
  if (request.sendInitialEvents === true && request.allowBookmarks) notices.push(bookmark(true))
  cleanups.push(
    store.subscribe(resource, (events) => {
      const changes = events
        .filter((event) => event.revision > revision && inScope(event.current))
        .map((event) => transition(event, selection))
        .filter((notice) => notice !== undefined)
      if (changes.length > 0) sink.send(changes)
    }),
  )
  cleanups.push(
    clock.after(timeout, () => {
      stop()
      sink.end()
    }),
  )
  if (request.allowBookmarks) scheduleBookmarks()
  if (notices.length > 0) sink.send(notices)
  // The sink may have given up on the initial state already.
  if (stopped) for (const cleanup of cleanups.splice(0)) cleanup()
  return stop

  function scheduleBookmarks(): void {
    const tick = (): void => {
      sink.send([bookmark(false)])
      if (!stopped) cleanups.push(clock.after(BOOKMARK_MILLISECONDS, tick))
    }
    cleanups.push(clock.after(BOOKMARK_MILLISECONDS, tick))
    if (timeout > LAST_BOOKMARK_MILLISECONDS) {
      cleanups.push(clock.after(timeout - LAST_BOOKMARK_MILLISECONDS, () => sink.send([bookmark(false)])))
    }
  }
}

function checkOptions(request: WatchRequest): void {
  const { sendInitialEvents, resourceVersionMatch: match } = request
  const errors: FieldError[] = []
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    const text = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
    errors.push(forbidden('resourceVersionMatch', text))
  }
  if (sendInitialEvents === undefined && match !== '') {
    const text = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'
    errors.push(forbidden('resourceVersionMatch', text))
  }
  if (errors.length > 0) throw new Refused(invalidOptions('ListOptions', errors))
}

/** Upstream answers 500 to a watch with a malformed revision (api-server.md 7.2). */
function parseWatchRevision(text: string): number {
  if (text === '') return 0
  if (/^(0|[1-9]\d{0,15})$/.test(text)) return Number(text)
  throw new Refused(
    failure({ code: 500, message: `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax` }),
  )
}

function scopeOf(request: WatchRequest, selection: Selection): (stored: StoredObject) => boolean {
  const { kind, namespace } = request
  const name = request.name ?? selection.name
  if (name !== undefined && (namespace !== undefined || !kind.info.namespaced)) {
    const key = keyOf(kind.info, { namespace, name })
    return (stored) => stored.key === key
  }
  if (namespace === undefined || !kind.info.namespaced) return () => true
  return (stored) => stored.object.metadata.namespace === namespace
}

function initialNotices(
  registry: Registry,
  watch: {
    readonly request: WatchRequest
    readonly selection: Selection
    readonly revision: number
    readonly inScope: (stored: StoredObject) => boolean
  },
): { readonly notices: readonly WatchNotice[] } | { readonly status: Status } {
  const { request, selection, revision, inScope } = watch
  const { sendInitialEvents } = request
  const table = registry.store.table(storageName(request.kind.info))
  // `sendInitialEvents=false` without a revision means: only what is new from here.
  const wantsState = sendInitialEvents ?? (request.resourceVersion === '' || revision === 0)
  if (wantsState) {
    const namespace = request.kind.info.namespaced ? request.namespace : undefined
    const state = table.list(namespace).filter((stored) => inScope(stored) && selection.matches(stored.object))
    return { notices: state.map((stored) => ({ type: 'ADDED', stored })) }
  }
  if (revision === 0) return { notices: [] }
  const missed = table.window.after(revision)
  if (missed === undefined) {
    return { status: expired(`too old resource version: ${revision} (${table.window.floor})`) }
  }
  return {
    notices: missed
      .filter((event) => inScope(event.current))
      .map((event) => transition(event, selection))
      .filter((notice) => notice !== undefined),
  }
}

/** What the event is for somebody who sees only matching objects: an object may come into view or leave it. */
function transition(event: StoreEvent, selection: Selection): WatchNotice | undefined {
  const { type, current, previous } = event
  if (selection.all) return { type, stored: current }
  const before = previous !== undefined && selection.matches(previous.object)
  const after = type !== 'DELETED' && selection.matches(current.object)
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', stored: current }
  if (!before) return undefined
  return {
    type: 'DELETED',
    stored: type === 'DELETED' ? current : storedForm(current.key, event.revision, previous.object),
  }
}
