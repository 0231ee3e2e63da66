/**
 * Sends a pod's status when it differs from what the API server has, one write at a time, again after a failure. Whoever
 * else wrote in between (a readiness gate's owner) is merged with, never overwritten: a conflict leads to a fresh copy.
 */
import { isDeepStrictEqual } from 'node:util'

import type { Pod } from '#api'
import type { ApiClient } from '#watch'
import type { Clock, Logger } from '#lib'
import { PODS } from '#api'
import { createWorkQueue, hasCode, messageOf } from '#lib'

import type { PodStatus } from './pod-status.ts'

export interface StatusWriter {
  /** The newest copy from the watch. */
  seen(pod: Pod): void
  readonly latest: Pod
  touch(): void
  /** Resolves after one more try to send what there is. */
  flush(): Promise<void>
}

export type StatusWriterOptions = {
  readonly pod: Pod
  readonly client: ApiClient
  readonly status: (latest: Pod) => PodStatus
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { client, logger } = options
  let latest = options.pod
  let gone = false

  const send = async (): Promise<void> => {
    if (gone) return
    const status = plain(options.status(latest))
    if (isDeepStrictEqual(status, latest.status)) return
    try {
      latest = await client.updateStatus<Pod>(PODS, { ...latest, status })
    } catch (error) {
      if (hasCode(error, 'SBX_API_NOT_FOUND')) {
        gone = true
        return
      }
      if (!hasCode(error, 'SBX_API_CONFLICT')) throw error
      await refresh()
      throw error
    }
  }

  const refresh = async (): Promise<void> => {
    const { namespace = 'default', name, uid } = latest.metadata
    const current = await client.get<Pod>(PODS, { namespace, name }).catch((error: unknown) => {
      if (hasCode(error, 'SBX_API_NOT_FOUND')) return undefined
      throw error
    })
    // A pod of the same name with another uid is another pod.
    if (current === undefined || current.metadata.uid !== uid) gone = true
    else latest = current
  }

  const queue = createWorkQueue({
    clock: options.clock,
    signal: options.signal,
    work: send,
    backoff: { base: 10, max: 5000 },
    onError: (_key, error, failures) => {
      const { namespace = '', name } = latest.metadata
      // One conflict is the normal way to learn of somebody else's write.
      if (failures > 1)
        logger.warn('pod status not sent', { pod: `${namespace}/${name}`, failures, error: messageOf(error) })
    },
  })
  const touch = (): void => queue.add('status')
  return {
    seen: (pod) => {
      latest = pod
      touch()
    },
    get latest() {
      return latest
    },
    touch,
    flush: async () => {
      touch()
      await queue.idle()
    },
  }
}

/** As it comes back over the wire: without undefined members. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
