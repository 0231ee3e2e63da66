/**
 * Bindings and roles compiled into what each subject may do where (plugin/pkg/auth/authorizer/rbac). A binding whose role
 * is not there grants nothing.
 */
import type { PolicyRule, Role, RoleBinding } from '#api'

export type CompiledRule = {
  readonly rule: PolicyRule
  /** Which binding grants it, for people. */
  readonly reason: string
}

/** What one subject may do: everywhere, and beyond that in single namespaces. */
export type SubjectRules = {
  readonly everywhere: readonly CompiledRule[]
  readonly inNamespace: ReadonlyMap<string, readonly CompiledRule[]>
}

/** By `User/name` or `Group/name`. */
export type PolicyIndex = ReadonlyMap<string, SubjectRules>

export type Policy = {
  readonly clusterRoles: readonly Role[]
  readonly roles: readonly Role[]
  readonly clusterRoleBindings: readonly RoleBinding[]
  readonly roleBindings: readonly RoleBinding[]
}

export function indexPolicy(policy: Policy): PolicyIndex {
  const clusterRoles = new Map(policy.clusterRoles.map((role) => [role.metadata.name, role]))
  const roles = new Map(policy.roles.map((role) => [`${role.metadata.namespace ?? ''}/${role.metadata.name}`, role]))
  const index = new Map<string, { everywhere: CompiledRule[]; inNamespace: Map<string, CompiledRule[]> }>()
  for (const binding of [...policy.clusterRoleBindings, ...policy.roleBindings]) {
    const { namespace, name } = binding.metadata
    const { roleRef } = binding
    const role =
      roleRef.kind === 'ClusterRole'
        ? clusterRoles.get(roleRef.name ?? '')
        : roles.get(`${namespace ?? ''}/${roleRef.name ?? ''}`)
    if (role === undefined) continue
    const which = namespace === undefined ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace)
      const reason = `RBAC: allowed by ${which} of ${roleRef.kind ?? ''} "${roleRef.name ?? ''}" to ${subjectText(subject)}`
      const granted = (role.rules ?? []).map((rule) => ({ rule, reason }))
      const found = index.get(key) ?? { everywhere: [], inNamespace: new Map<string, CompiledRule[]>() }
      index.set(key, found)
      if (namespace === undefined) found.everywhere.push(...granted)
      else found.inNamespace.set(namespace, [...(found.inNamespace.get(namespace) ?? []), ...granted])
    }
  }
  return index
}

type Subject = NonNullable<RoleBinding['subjects']>[number]

function subjectKey({ kind, name, namespace }: Subject, ofBinding: string | undefined): string {
  if (kind !== 'ServiceAccount') return `${kind}/${name}`
  return `User/system:serviceaccount:${namespace ?? ofBinding ?? ''}:${name}`
}

function subjectText({ kind, name, namespace }: Subject): string {
  return kind === 'ServiceAccount' ? `ServiceAccount "${name}/${namespace ?? ''}"` : `${kind} "${name}"`
}
