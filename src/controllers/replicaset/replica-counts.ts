/** What a ReplicaSet's status says of its pods (pkg/controller/replicaset calculateStatus). Pure. */
import type { Condition, Pod, ReplicaSet, ReplicaSetStatus } from '#api'
import { selectorMatches } from '#api'
import { isReady, readySince } from '../shared/pod-facts.ts'

export type Counted = {
  readonly status: ReplicaSetStatus
  /** Milliseconds until another pod has been ready for long enough; undefined if none is on its way there. */
  readonly nextAvailable: number | undefined
}

export function countReplicas(
  set: ReplicaSet,
  pods: readonly Pod[],
  now: { readonly milliseconds: number; readonly failure: Condition | undefined },
): Counted {
  const labels = set.spec.template?.metadata?.labels ?? {}
  const minReady = (set.spec.minReadySeconds ?? 0) * 1000
  const ready = pods.filter(isReady)
  const waits = ready.map((pod) => minReady - (now.milliseconds - Date.parse(readySince(pod) ?? '')))
  const isAvailable = (wait: number): boolean => minReady === 0 || wait <= 0
  const open = waits.filter((wait) => !isAvailable(wait) && !Number.isNaN(wait))
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure')
  return {
    status: {
      replicas: pods.length,
      fullyLabeledReplicas: pods.filter(({ metadata }) => selectorMatches({ matchLabels: labels }, metadata.labels))
        .length,
      readyReplicas: ready.length,
      availableReplicas: waits.filter(isAvailable).length,
      observedGeneration: set.metadata.generation ?? 0,
      conditions: now.failure === undefined ? others : [...others, now.failure],
    },
    nextAvailable: open.length === 0 ? undefined : Math.min(...open),
  }
}

export function sameCounts(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  return facts(a) === facts(b)
}

function facts(status: ReplicaSetStatus | undefined): string {
  const { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas, observedGeneration } = status ?? {}
  const numbers = [replicas, fullyLabeledReplicas, readyReplicas, availableReplicas, observedGeneration]
  const conditions = (status?.conditions ?? []).map(({ type, status: value, message }) => [type, value, message])
  return JSON.stringify([numbers.map((number) => number ?? 0), conditions])
}
