/** Roles and ClusterRoles. What they allow is asked of `auth/authorize.ts`. */
import type { ResourceInfo, Role } from '#api'
import { CLUSTERROLES, ROLES, validateRole } from '#api'
import { defineKind } from './define-kind.ts'
import type { KindDefinition } from './kind.ts'
import { CREATED_COLUMN, NAME_COLUMN } from '../tables/index.ts'

export const roleKind = roleKindOf(ROLES)
export const clusterRoleKind = roleKindOf(CLUSTERROLES)

function roleKindOf(info: ResourceInfo): KindDefinition {
  const { kind, namespaced } = info
  return defineKind<Role>({
    info,
    schema: `io.k8s.api.rbac.v1.${kind}`,
    message: `k8s.io.api.rbac.v1.${kind}`,
    nameRule: 'path',
    defaults: (role) => ({ ...role, rules: role.rules ?? null }),
    validate: (role) => validateRole(role, { namespaced }),
    table: {
      columns: [NAME_COLUMN, CREATED_COLUMN],
      cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? ''],
    },
  })
}
