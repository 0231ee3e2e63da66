/** Defaults of role bindings (rbac/v1/defaults.go) and of IngressClass parameters (networking/v1/defaults.go). */
import type { IngressClass } from '../networking.ts'
import type { RoleBinding } from '../rbac.ts'
import { RBAC_GROUP } from '../validation/rbac.ts'
import { isRecord } from '../validation/read-value.ts'

export function defaultRoleBinding(binding: RoleBinding): RoleBinding {
  const { roleRef, subjects } = binding
  return {
    ...binding,
    ...(isRecord(roleRef) && (roleRef.apiGroup ?? '') === '' && { roleRef: { ...roleRef, apiGroup: RBAC_GROUP } }),
    ...(Array.isArray(subjects) && {
      subjects: (subjects as NonNullable<RoleBinding['subjects']>).map((subject) => {
        const isPerson = isRecord(subject) && (subject.kind === 'User' || subject.kind === 'Group')
        return isPerson && (subject.apiGroup ?? '') === '' ? { ...subject, apiGroup: RBAC_GROUP } : subject
      }),
    }),
  }
}

export function defaultIngressClass(ingressClass: IngressClass): IngressClass {
  const parameters = ingressClass.spec?.parameters
  if (!isRecord(parameters) || parameters.scope !== undefined) return ingressClass
  return { ...ingressClass, spec: { ...ingressClass.spec, parameters: { ...parameters, scope: 'Cluster' } } }
}
