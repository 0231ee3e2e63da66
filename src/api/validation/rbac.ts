/** Roles and bindings (rbac/validation). Both scopes share their rules; `namespaced` says which object it is. */
import type { FieldError } from './field-error.ts'
import { invalid, notSupported, required } from './field-error.ts'
import { dnsSubdomain, pathSegment } from './name-rules.ts'
import type { Fields } from './read-value.ts'
import { given, listAt, recordAt, sameValue, textAt, textListAt } from './read-value.ts'

export const RBAC_GROUP = 'rbac.authorization.k8s.io'

type Scope = { readonly namespaced: boolean }

export function validateRole(value: unknown, scope: Scope): readonly FieldError[] {
  const errors: FieldError[] = []
  listAt(errors, 'rules', recordAt(errors, '', value)['rules']).forEach((item, i) => {
    ruleErrors(errors, `rules[${i}]`, { rule: recordAt(errors, `rules[${i}]`, item), ...scope })
  })
  return errors
}

function ruleErrors(
  errors: FieldError[],
  field: string,
  { rule, namespaced }: Scope & { readonly rule: Fields },
): void {
  const list = (key: string): readonly string[] => textListAt(errors, `${field}.${key}`, rule[key])
  if (list('verbs').length === 0) errors.push(required(`${field}.verbs`, 'verbs must contain at least one value'))
  const urls = list('nonResourceURLs')
  const [groups, resources, names] = [list('apiGroups'), list('resources'), list('resourceNames')]
  if (urls.length > 0) {
    const at = `${field}.nonResourceURLs`
    if (namespaced) errors.push(invalid(at, urls, 'namespaced rules cannot apply to non-resource URLs'))
    if (groups.length + resources.length + names.length > 0) {
      errors.push(invalid(at, urls, 'rules cannot apply to both regular resources and non-resource URLs'))
    }
    return
  }
  if (groups.length === 0) {
    errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'))
  }
  if (resources.length === 0) {
    errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'))
  }
}

export function validateRoleBinding(value: unknown, scope: Scope): readonly FieldError[] {
  const errors: FieldError[] = []
  const binding = recordAt(errors, '', value)
  const ref = recordAt(errors, 'roleRef', binding['roleRef'])
  const group = textAt(errors, 'roleRef.apiGroup', ref['apiGroup'])
  if (group !== RBAC_GROUP) errors.push(notSupported('roleRef.apiGroup', group, [RBAC_GROUP]))
  const kinds = scope.namespaced ? ['ClusterRole', 'Role'] : ['ClusterRole']
  const kind = textAt(errors, 'roleRef.kind', ref['kind'])
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds))
  const name = textAt(errors, 'roleRef.name', ref['name'])
  if (name === '') errors.push(required('roleRef.name'))
  else errors.push(...pathSegment(name).map((problem) => invalid('roleRef.name', name, problem)))
  listAt(errors, 'subjects', binding['subjects']).forEach((item, i) => {
    const field = `subjects[${i}]`
    subjectErrors(errors, field, { subject: recordAt(errors, field, item), ...scope })
  })
  return errors
}

function subjectErrors(
  errors: FieldError[],
  field: string,
  { subject, namespaced }: Scope & { readonly subject: Fields },
): void {
  const name = textAt(errors, `${field}.name`, subject['name'])
  if (name === '') errors.push(required(`${field}.name`))
  const kind = textAt(errors, `${field}.kind`, subject['kind'])
  const group = textAt(errors, `${field}.apiGroup`, subject['apiGroup'])
  if (kind === 'ServiceAccount') {
    if (name !== '') errors.push(...dnsSubdomain(name).map((problem) => invalid(`${field}.name`, name, problem)))
    if (group !== '') errors.push(notSupported(`${field}.apiGroup`, group, ['']))
    if (!namespaced && textAt(errors, `${field}.namespace`, subject['namespace']) === '') {
      errors.push(required(`${field}.namespace`))
    }
  } else if (kind === 'User' || kind === 'Group') {
    if (group !== RBAC_GROUP) errors.push(notSupported(`${field}.apiGroup`, group, [RBAC_GROUP]))
  } else errors.push(notSupported(`${field}.kind`, kind, ['Group', 'ServiceAccount', 'User']))
}

export function validateRoleBindingUpdate(value: unknown, old: unknown, scope: Scope): readonly FieldError[] {
  const refOf = (object: unknown): unknown => recordAt([], '', object)['roleRef']
  const changed = given(refOf(old)) && !sameValue(refOf(value), refOf(old))
  const errors = changed ? [invalid('roleRef', refOf(value), 'cannot change roleRef')] : []
  return [...validateRoleBinding(value, scope), ...errors]
}
