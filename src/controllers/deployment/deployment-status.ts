/** What a Deployment's status says of its ReplicaSets, and whether the rollout gets on (pkg/controller/deployment). Pure. */
import type { Deployment, DeploymentStatus, ReplicaSet } from '#api'
import { compareText } from '#lib'
import { limitsOf, total } from './rolling-update.ts'

export type DeploymentCondition = NonNullable<DeploymentStatus['conditions']>[number]

export type StatusInput = {
  readonly current: ReplicaSet | undefined
  readonly others: readonly ReplicaSet[]
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly collisions?: number
}

export function deploymentStatus(deployment: Deployment, input: StatusInput): DeploymentStatus {
  const { current, others, now } = input
  const all = current === undefined ? others : [...others, current]
  const available = total(all, ({ status }) => status?.availableReplicas ?? 0)
  const replicas = total(all, ({ status }) => status?.replicas ?? 0)
  const collisions = input.collisions ?? deployment.status?.collisionCount
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: total(all, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    // Counted against what the ReplicaSets are to have, so that a pod that is not there yet is missing.
    unavailableReplicas: Math.max(0, total(all) - available),
    ...(collisions === undefined || collisions === 0 ? {} : { collisionCount: collisions }),
  }
  const wanted = [availability(deployment, available), progress(deployment, counts, input)]
  const conditions = wanted.flatMap((condition) => (condition === undefined ? [] : [dated(deployment, condition, now)]))
  const named = new Set([...conditions.map(({ type }) => type), 'Progressing'])
  const rest = (deployment.status?.conditions ?? []).filter(({ type }) => !named.has(type))
  return { ...counts, conditions: [...rest, ...conditions] }
}

type Finding = Pick<DeploymentCondition, 'type' | 'status'> & {
  readonly reason: string
  readonly message: string
  /** Counts as progress even though the words are the same. */
  readonly moved?: boolean
}

function availability(deployment: Deployment, available: number): Finding {
  const isEnough = available >= (deployment.spec.replicas ?? 0) - limitsOf(deployment).unavailable
  return isEnough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
}

export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  const { replicas = 0 } = spec
  return (
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  )
}

function progress(deployment: Deployment, counts: DeploymentStatus, input: StatusInput): Finding | undefined {
  const { progressDeadlineSeconds, paused } = deployment.spec
  if (progressDeadlineSeconds === undefined) return undefined
  const before = conditionOf(deployment, 'Progressing')
  const type = 'Progressing'
  if (paused === true) {
    return { type, status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }
  }
  const name = input.current?.metadata.name ?? deployment.metadata.name
  const done: Finding = {
    type,
    status: 'True',
    reason: 'NewReplicaSetAvailable',
    message: `ReplicaSet "${name}" has successfully progressed.`,
  }
  if (isComplete(deployment, counts)) return done
  const resumed = before?.reason === 'DeploymentPaused'
  const isSameRollout = before?.message === done.message
  // A rollout that was complete stays so when pods come and go later.
  if (before?.reason === done.reason && isSameRollout && counts.replicas === counts.updatedReplicas) return done
  const old = deployment.status ?? {}
  const othersOf = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  const moved =
    (counts.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    othersOf(counts) < othersOf(old) ||
    (counts.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (counts.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  const going: Finding = {
    type,
    status: 'True',
    reason: 'ReplicaSetUpdated',
    message: `ReplicaSet "${name}" is progressing.`,
    moved,
  }
  const isNew = before === undefined || resumed || before.reason === done.reason || !before.message?.includes(name)
  if (moved || isNew) return { ...going, moved: true }
  const since = Date.parse(before.lastUpdateTime ?? before.lastTransitionTime ?? '')
  if (input.now - since < progressDeadlineSeconds * 1000) return going
  return {
    type,
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: `ReplicaSet "${name}" has timed out progressing.`,
  }
}

export function conditionOf({ status }: Deployment, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

/** Times say when a condition changed, not when it was looked at. */
function dated(deployment: Deployment, { moved, ...finding }: Finding, now: number): DeploymentCondition {
  const before = conditionOf(deployment, finding.type)
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  const isSame =
    before?.status === finding.status && before.reason === finding.reason && before.message === finding.message
  const lastUpdateTime = isSame && moved !== true ? (before.lastUpdateTime ?? time) : time
  const lastTransitionTime = before?.status === finding.status ? (before.lastTransitionTime ?? time) : time
  return { ...finding, lastUpdateTime, lastTransitionTime }
}

export function sameStatus(a: DeploymentStatus | undefined, b: DeploymentStatus): boolean {
  return facts(a) === facts(b)
}

function facts(status: DeploymentStatus | undefined): string {
  const { observedGeneration, replicas, updatedReplicas, readyReplicas } = status ?? {}
  const { availableReplicas, unavailableReplicas, collisionCount } = status ?? {}
  const numbers = [observedGeneration, replicas, updatedReplicas, readyReplicas]
  const rest = [availableReplicas, unavailableReplicas, collisionCount]
  const conditions = (status?.conditions ?? [])
    .map(({ type, status: value, reason, message, lastUpdateTime }) =>
      JSON.stringify([type, value, reason, message, lastUpdateTime]),
    )
    .sort(compareText)
  return JSON.stringify([[...numbers, ...rest].map((number) => number ?? 0), conditions])
}
