/**
 * Events of pods as `kubectl describe` shows them. Equal ones are counted in one object, as client-go's correlator does.
 * They are a courtesy: a failure to record one is logged and forgotten.
 */
import type { Event, Pod } from '#api'
import type { ApiClient } from '#watch'
import type { Clock, Logger } from '#lib'
import { EVENTS } from '#api'
import { base32Hash, hasCode, messageOf } from '#lib'

import { timestamp } from './timestamp.ts'

export type PodEvent = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

export type EventRecorder = (pod: Pod, event: PodEvent) => void

export type EventRecorderOptions = {
  readonly client: ApiClient
  readonly node: string
  readonly clock: Clock
  readonly logger: Logger
}

/** The API server's limit for messages is 1 KiB. */
const MESSAGE_LIMIT = 1024

export function createEventRecorder({ client, node, clock, logger }: EventRecorderOptions): EventRecorder {
  const counts = new Map<string, number>()

  const record = async (pod: Pod, { type, reason, message }: PodEvent): Promise<void> => {
    const { name, namespace = 'default', uid = '' } = pod.metadata
    const eventName = `${name}.${base32Hash(`${uid}/${reason}/${message}`, 16).toLowerCase()}`
    const now = timestamp(clock)
    const count = (counts.get(eventName) ?? 0) + 1
    counts.set(eventName, count)
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
      type,
      reason,
      message: message.slice(0, MESSAGE_LIMIT),
      count,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: 'kubelet', host: node },
      reportingComponent: 'kubelet',
      reportingInstance: node,
    }
    if (count === 1) {
      try {
        await client.create(EVENTS, event)
        return
      } catch (error) {
        if (!hasCode(error, 'SBX_API_ALREADY_EXISTS')) throw error
      }
    }
    await client.patch(EVENTS, { namespace, name: eventName }, { type: 'merge', body: { count, lastTimestamp: now } })
  }

  return (pod, event) => {
    record(pod, event).catch((error: unknown) =>
      logger.debug('event not recorded', { reason: event.reason, error: messageOf(error) }),
    )
  }
}
