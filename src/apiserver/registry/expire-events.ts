/**
 * Events are kept for an hour after they were last written (kube-apiserver --event-ttl), then go without finalizers or
 * tombstones beyond the watch event, as when etcd's lease runs out.
 */
import type { KubeObject } from '#api'
import { EVENTS } from '#api'
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { Registry } from './registry.ts'
import { storageName } from './registry.ts'

const SWEEP_MILLISECONDS = 60_000
/** In one commit; what is left goes with the next sweep. */
const SWEEP_LIMIT = 2_000

/** Starts sweeping; the returned function stops it. */
export function expireEvents(registry: Registry, ttlSeconds: number, logger: Logger): () => void {
  const { clock } = registry
  let cancel = (): void => undefined
  const sweep = (): void => {
    try {
      expireNow(registry, ttlSeconds)
    } catch (error) {
      logger.error('old events were not removed', { reason: messageOf(error) })
    }
    cancel = clock.after(SWEEP_MILLISECONDS, sweep)
  }
  cancel = clock.after(SWEEP_MILLISECONDS, sweep)
  return () => cancel()
}

function expireNow({ store, clock }: Registry, ttlSeconds: number): void {
  const resource = storageName(EVENTS)
  const oldest = clock.now() - ttlSeconds * 1000
  const expired = store
    .table(resource)
    .list()
    .filter(({ object }) => lastWritten(object) < oldest)
  const changes = expired
    .slice(0, SWEEP_LIMIT)
    .map(({ key, revision }) => ({ resource, key, object: undefined, expect: revision }))
    // Somebody may have written it in this very tick.
    .filter(({ key, expect }) => store.head(resource, key)?.revision === expect)
  if (changes.length > 0) store.stage(changes)
}

/** Milliseconds since the epoch. Every write leaves its time with its manager. */
function lastWritten({ metadata }: KubeObject): number {
  const times = [metadata.creationTimestamp, ...(metadata.managedFields ?? []).map(({ time }) => time)]
  return Math.max(...times.map((time) => (time === undefined || time === null ? 0 : Date.parse(time) || 0)))
}
