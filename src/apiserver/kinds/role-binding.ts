import type { ResourceInfo, RoleBinding } from '#api'
import {
  CLUSTERROLEBINDINGS,
  defaultRoleBinding,
  ROLEBINDINGS,
  validateRoleBinding,
  validateRoleBindingUpdate,
} from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, textColumn, wideColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'
import type { KindDefinition } from './kind.ts'

export const roleBindingKind = bindingKindOf(ROLEBINDINGS)
export const clusterRoleBindingKind = bindingKindOf(CLUSTERROLEBINDINGS)

function bindingKindOf(info: ResourceInfo): KindDefinition {
  const { kind, namespaced } = info
  return defineKind<RoleBinding>({
    info,
    schema: `io.k8s.api.rbac.v1.${kind}`,
    message: `k8s.io.api.rbac.v1.${kind}`,
    nameRule: 'path',
    defaults: defaultRoleBinding,
    validate: (binding) => validateRoleBinding(binding, { namespaced }),
    validateUpdate: (binding, old) => validateRoleBindingUpdate(binding, old, { namespaced }),
    table: {
      columns: [
        NAME_COLUMN,
        textColumn('Role', 'Role that is granted'),
        AGE_COLUMN,
        wideColumn('Users', 'Users it is granted to'),
        wideColumn('Groups', 'Groups it is granted to'),
        wideColumn('ServiceAccounts', 'Service accounts it is granted to'),
      ],
      cells: (binding, now) => [
        binding.metadata.name,
        `${binding.roleRef?.kind ?? ''}/${binding.roleRef?.name ?? ''}`,
        ageSince(binding.metadata.creationTimestamp, now),
        subjectsText(binding, 'User'),
        subjectsText(binding, 'Group'),
        subjectsText(binding, 'ServiceAccount'),
      ],
    },
  })
}

function subjectsText(binding: RoleBinding, kind: string): string {
  return (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ namespace = '', name }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
    .join(', ')
}
