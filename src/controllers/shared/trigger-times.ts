/**
 * `endpoints.kubernetes.io/last-change-trigger-time`: when the world changed that a write of endpoints reflects, so that
 * consumers can measure how late they are (endpointslice/trigger_time_tracker.go; api-server.md 15.1).
 */
import type { ObjectKey, ObjectMeta, Pod, Service } from '#api'
import { readySince } from './pod-facts.ts'

export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'

export interface TriggerTimes {
  /** The earliest change since the previous call for this service; undefined if there is none that has a time. */
  observe(key: ObjectKey, service: Service, pods: readonly Pod[]): string | undefined
  forget(key: ObjectKey): void
}

type Seen = { readonly service: string; readonly pods: ReadonlyMap<string, string> }

export function createTriggerTimes(): TriggerTimes {
  const seen = new Map<ObjectKey, Seen>()
  return {
    observe: (key, service, pods) => {
      const before = seen.get(key)
      const created = service.metadata.creationTimestamp ?? ''
      const times = new Map(pods.map((pod) => [pod.metadata.name, readySince(pod) ?? '']))
      seen.set(key, { service: created, pods: times })
      if (before === undefined) return created === '' ? undefined : created
      // RFC 3339 in UTC with second precision sorts as text.
      const fresh = [...times].filter(([name, time]) => time > (before.pods.get(name) ?? '')).map(([, time]) => time)
      if (created > before.service) fresh.push(created)
      return fresh.sort()[0]
    },
    forget: (key) => seen.delete(key),
  }
}

/** Sets the annotation, or removes it where no time is known: an old time would count as a very late write. */
export function withTriggerTime(metadata: ObjectMeta, time: string | undefined): ObjectMeta {
  const { annotations, ...rest } = metadata
  const { [TRIGGER_TIME]: _old, ...others } = annotations ?? {}
  const next = time === undefined ? others : { ...others, [TRIGGER_TIME]: time }
  return Object.keys(next).length === 0 ? rest : { ...rest, annotations: next }
}
