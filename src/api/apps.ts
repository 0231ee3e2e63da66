/** apps/v1 as far as Signalbox runs it: ReplicaSets keep a number of pods, Deployments replace one ReplicaSet by the next. */
import type { Condition, KubeObject, ObjectMeta } from './meta.ts'
import type { PodSpec } from './pod.ts'

export type LabelSelectorRequirement = {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

export type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelSelectorRequirement[]
}

export type PodTemplate = { readonly metadata?: Partial<ObjectMeta>; readonly spec: PodSpec }

export type ReplicaSetSpec = {
  readonly replicas?: number
  readonly minReadySeconds?: number
  readonly selector: LabelSelector
  readonly template: PodTemplate
}

export type ReplicaSetStatus = {
  readonly replicas: number
  readonly fullyLabeledReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly observedGeneration?: number
  readonly conditions?: readonly Condition[]
}

export type ReplicaSet = KubeObject & { readonly spec: ReplicaSetSpec; readonly status?: ReplicaSetStatus }

/** Pods as a number or as a share of `replicas`, e.g. `25%`. */
export type PodShare = number | string

export type DeploymentSpec = {
  readonly replicas?: number
  readonly selector: LabelSelector
  readonly template: PodTemplate
  readonly strategy?: {
    readonly type?: string
    readonly rollingUpdate?: { readonly maxUnavailable?: PodShare; readonly maxSurge?: PodShare }
  }
  readonly minReadySeconds?: number
  readonly revisionHistoryLimit?: number
  readonly paused?: boolean
  readonly progressDeadlineSeconds?: number
}

export type DeploymentStatus = {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly conditions?: readonly (Condition & { readonly lastUpdateTime?: string })[]
  readonly collisionCount?: number
}

export type Deployment = KubeObject & { readonly spec: DeploymentSpec; readonly status?: DeploymentStatus }
