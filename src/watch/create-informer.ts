/**
 * List, then watch, for ever: the reflector of client-go (tools/cache/reflector.go, api-server.md 7.3) over ApiClient.
 *
 * Invariants: `items` never goes back to "unknown" once synced (the last state is served through every outage), and
 * after any interruption the next complete list or watch makes it equal to the server's, deletes included.
 */
import type { KubeObject, ObjectKey, ResourceInfo } from '#api'
import { apiVersionOf, objectKey } from '#api'
import type { Clock, Logger } from '#lib'
import { backoffDelay, hasCode, messageOf, SignalboxError } from '#lib'
import type { ApiClient } from './api-client.ts'
import { createInformerCache } from './informer-cache.ts'
import type { Informer } from './informer-types.ts'
import { isOlder } from './resource-version.ts'

export type InformerOptions<T extends KubeObject> = {
  readonly client: ApiClient
  readonly resource: ResourceInfo
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Go on without the field selector where the server does not know its field (400). */
  readonly fieldSelectorOptional?: boolean
  /** Called once for each object received; drop here what nobody reads, 10,000 objects are kept for ever. */
  readonly transform?: (object: T) => T
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  /** 0 ≤ x < 1, spreads watch timeouts and retries; Math.random if not given. */
  readonly random?: () => number
  /** Objects a page; 500 if not given. */
  readonly pageSize?: number
  /** Shortest watch, seconds; each lasts one to two times that. 300 if not given, as in client-go. */
  readonly watchSeconds?: number
}

const BACKOFF = { base: 250, max: 30_000 }
/** A healthy server ends the watch at its timeout; silence this much longer, in milliseconds, means it is gone. */
const HALF_DEAD_GRACE = 15_000
/** A watch that ends within this time, in milliseconds, is not followed by the next without a pause (reflector.go). */
const VERY_SHORT = 1000

/** Starts at once. Listeners added in the same tick see every object as an event. `synced` rejects if aborted before. */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { signal, logger } = options
  const cache = createInformerCache<T>(logger, options.resource.resource)
  const synced = Promise.withResolvers<void>()
  synced.promise.catch(() => undefined)
  const state = { hasSynced: false }
  const onSynced = (): void => {
    state.hasSynced = true
    synced.resolve()
  }
  signal.addEventListener('abort', () => synced.reject(signal.reason), { once: true })
  if (signal.aborted) synced.reject(signal.reason)
  else void reflect({ ...options, cache, onSynced })
  return {
    synced: synced.promise,
    get hasSynced() {
      return state.hasSynced
    },
    items: cache.items,
    get: (key) => cache.items.get(key),
    onChange: (listener) => cache.onChange(listener),
  }
}

type Reflection<T extends KubeObject> = InformerOptions<T> & {
  readonly cache: ReturnType<typeof createInformerCache<T>>
  readonly onSynced: () => void
}

type Position = {
  /** Where to watch from; undefined: list first. */
  resourceVersion: string | undefined
  fieldSelector: string | undefined
  /** Whether this turn of the loop got something out of the server; ends a row of failures. */
  progressed: boolean
}

async function reflect<T extends KubeObject>(options: Reflection<T>): Promise<void> {
  const { signal, clock } = options
  const random = options.random ?? Math.random
  const position: Position = {
    resourceVersion: undefined,
    fieldSelector: options.fieldSelector,
    progressed: false,
  }
  let failures = 0
  // Started a tick later, so that whoever created the informer can add listeners first.
  await Promise.resolve()
  while (!signal.aborted) {
    position.progressed = false
    const pause = await turn(options, position, random)
    if (position.progressed) failures = 0
    if (!pause) continue
    failures += 1
    const delay = backoffDelay(failures, BACKOFF) * (0.5 + random())
    await clock.sleep(delay, signal).catch(() => undefined)
  }
}

/** One list where needed and one watch; true if there must be a pause before the next. */
async function turn<T extends KubeObject>(
  options: Reflection<T>,
  position: Position,
  random: () => number,
): Promise<boolean> {
  const { signal, clock, logger } = options
  const started = clock.monotonic()
  try {
    if (position.resourceVersion === undefined) {
      position.resourceVersion = await listAll(options, position)
      options.onSynced()
    }
    await watchOnce(options, position, Math.ceil((options.watchSeconds ?? 300) * (1 + random())))
    const short = clock.monotonic() - started < VERY_SHORT
    if (!short) position.progressed = true
    return short
  } catch (error) {
    if (signal.aborted) return false
    // Only a lost connection keeps its place; whatever else went wrong, a list repairs.
    if (!hasCode(error, 'SBX_API_UNAVAILABLE')) position.resourceVersion = undefined
    const fields = { resource: options.resource.resource, error: messageOf(error) }
    if (hasCode(error, 'SBX_API_EXPIRED')) logger.debug('watch expired', fields)
    else logger.warn('watch interrupted', fields)
    return true
  }
}

/** Reads the whole collection into the cache and returns the resource version to watch from. */
async function listAll<T extends KubeObject>(options: Reflection<T>, position: Position): Promise<string> {
  const { client, resource, cache } = options
  const seen = new Set<ObjectKey>()
  let token: string | undefined
  let paged = true
  for (;;) {
    try {
      const page = await client.list<T>(resource, {
        ...selection(options, position),
        ...(paged ? { limit: options.pageSize ?? 500 } : {}),
        ...(token === undefined ? {} : { continue: token }),
      })
      for (const item of page.items) {
        const object = accept(options, item)
        if (object === undefined) continue
        seen.add(objectKey(object))
        cache.put(object)
      }
      token = page.metadata.continue
      if (token !== undefined && token !== '') continue
      cache.retain(seen)
      return page.metadata.resourceVersion
    } catch (error) {
      if (token !== undefined && hasCode(error, 'SBX_API_EXPIRED')) {
        // The snapshot behind the token was compacted: one list in one piece, as client-go's pager does.
        token = undefined
        paged = false
        seen.clear()
      } else if (
        options.fieldSelectorOptional === true &&
        position.fieldSelector !== undefined &&
        isBadRequest(error)
      ) {
        options.logger.info('field selector is not supported', {
          resource: resource.resource,
          selector: position.fieldSelector,
        })
        position.fieldSelector = undefined
      } else throw error
    }
  }
}

async function watchOnce<T extends KubeObject>(
  options: Reflection<T>,
  position: Position,
  timeoutSeconds: number,
): Promise<void> {
  const { client, resource, clock, cache, signal, logger } = options
  const attempt = new AbortController()
  const stop = (): void => attempt.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  const cancelDeadline = clock.after(timeoutSeconds * 1000 + HALF_DEAD_GRACE, () => {
    logger.warn('server went silent', { resource: resource.resource, seconds: timeoutSeconds })
    attempt.abort(new SignalboxError('SBX_API_UNAVAILABLE', `watch ${resource.resource}: the server went silent`))
  })
  const from = position.resourceVersion
  const query = {
    ...selection(options, position),
    ...(from === undefined ? {} : { resourceVersion: from }),
    allowBookmarks: true,
    timeoutSeconds,
  }
  try {
    for await (const { type, object } of client.watch<T>(resource, query, attempt.signal)) {
      if (signal.aborted) return
      const reached = object.metadata?.resourceVersion
      if (reached !== undefined && isOlder(reached, position.resourceVersion ?? '')) {
        // A server that was reset to an earlier state counts from below; our position means nothing to it.
        logger.warn('server went back in time', { resource: resource.resource })
        position.resourceVersion = undefined
        return
      }
      position.progressed = true
      const accepted = type === 'BOOKMARK' ? undefined : accept(options, object)
      if (accepted !== undefined) {
        if (type === 'DELETED') cache.remove(objectKey(accepted))
        else cache.put(accepted)
      }
      if (reached !== undefined) position.resourceVersion = reached
    }
  } finally {
    cancelDeadline()
    signal.removeEventListener('abort', stop)
  }
}

function selection<T extends KubeObject>(
  options: InformerOptions<T>,
  position: Position,
): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
  return {
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(position.fieldSelector === undefined ? {} : { fieldSelector: position.fieldSelector }),
  }
}

/** The object as it is kept, or undefined (said in the log) for what cannot be one of ours. */
function accept<T extends KubeObject>(options: InformerOptions<T>, received: T | null): T | undefined {
  const { resource, logger } = options
  if (received?.kind !== resource.kind || received.apiVersion !== apiVersionOf(resource)) {
    logger.warn('object of another kind dropped', { resource: resource.resource, kind: String(received?.kind) })
    return undefined
  }
  if (typeof received.metadata?.name !== 'string' || received.metadata.name === '') {
    logger.warn('object without a name dropped', { resource: resource.resource })
    return undefined
  }
  try {
    return options.transform?.(received) ?? received
  } catch (error) {
    logger.error('transform failed', {
      resource: resource.resource,
      object: objectKey(received),
      error: messageOf(error),
    })
    return received
  }
}

function isBadRequest(error: unknown): boolean {
  return hasCode(error, 'SBX_API_REJECTED') && (error as SignalboxError).facts['status'] === 400
}
