/** How many living pods each node has, kept per event, with assignments that no event has shown yet. */
import type { ObjectKey, Pod } from '#api'
import type { Informer } from '#watch'
import { isFinished } from '../shared/pod-facts.ts'

export interface PodCounts {
  on(node: string): number
  /** The pod was just assigned there. */
  assume(pod: ObjectKey, node: string): void
}

export function createPodCounts(pods: Informer<Pod>): PodCounts {
  const nodeOf = new Map<ObjectKey, string>()
  const counts = new Map<string, number>()
  const move = (key: ObjectKey, node: string): void => {
    const old = nodeOf.get(key) ?? ''
    if (old === node) return
    if (old !== '') counts.set(old, (counts.get(old) ?? 1) - 1)
    if (node !== '') counts.set(node, (counts.get(node) ?? 0) + 1)
    if (node === '') nodeOf.delete(key)
    else nodeOf.set(key, node)
  }
  pods.onChange(({ key, before, after }) => {
    if (after === undefined || isFinished(after)) move(key, '')
    // An event from before the assignment does not undo it.
    else if ((after.spec?.nodeName ?? '') !== '') move(key, after.spec.nodeName ?? '')
    else if (before === undefined) move(key, '')
  })
  return {
    on: (node) => counts.get(node) ?? 0,
    assume: move,
  }
}
