/** rbac.authorization.k8s.io/v1. ClusterRole and ClusterRoleBinding have the shapes of Role and RoleBinding. */
import type { LabelSelector } from './apps.ts'
import type { KubeObject } from './meta.ts'

export type PolicyRule = {
  readonly verbs?: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
}

export type Role = KubeObject & {
  readonly rules?: readonly PolicyRule[] | null
  /** ClusterRoles only: the rules are those of the roles it selects. */
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] }
}

export type RoleBinding = KubeObject & {
  readonly roleRef: { readonly apiGroup?: string; readonly kind?: string; readonly name?: string }
  readonly subjects?: readonly {
    readonly kind: string
    readonly apiGroup?: string
    readonly name: string
    readonly namespace?: string
  }[]
}
