/**
 * Pods that were just created or deleted and that the informer does not show so yet. Without this, a sync between the
 * write and its event would do the same again.
 */
import type { Pod } from '#api'
import { objectKey } from '#api'
import type { Clock } from '#lib'
import type { Informer } from '#watch'

/** After this time an event that never came is not waited for any more. */
const PATIENCE = 60_000

type Created = { readonly key: string; readonly uid: string; readonly until: number }

export interface InFlight {
  created(owner: string, pod: Pod): void
  deleted(pod: Pod): void
  /** Created for that owner and not visible yet. */
  pending(owner: string): number
  isGoing(pod: Pod): boolean
  forget(owner: string): void
}

export function createInFlight(pods: Informer<Pod>, clock: Clock): InFlight {
  const creations = new Map<string, readonly Created[]>()
  const going = new Set<string>()
  pods.onChange(({ before, after }) => {
    if (after === undefined) going.delete(before?.metadata.uid ?? '')
  })
  return {
    created: (owner, pod) => {
      const record = { key: objectKey(pod), uid: pod.metadata.uid ?? '', until: clock.monotonic() + PATIENCE }
      creations.set(owner, [...(creations.get(owner) ?? []), record])
    },
    deleted: (pod) => {
      // Its last event may have been faster than the answer.
      const { uid = '' } = pod.metadata
      if (pods.get(objectKey(pod))?.metadata.uid === uid) going.add(uid)
    },
    pending: (owner) => {
      const now = clock.monotonic()
      const open = (creations.get(owner) ?? []).filter(
        ({ key, uid, until }) => pods.get(key)?.metadata.uid !== uid && until > now,
      )
      if (open.length === 0) creations.delete(owner)
      else creations.set(owner, open)
      return open.length
    },
    isGoing: (pod) => going.has(pod.metadata.uid ?? ''),
    forget: (owner) => void creations.delete(owner),
  }
}
