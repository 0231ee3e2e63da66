/** IngressClass (networking/validation; api-server.md 14.4). */
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, notSupported, required, tooLong } from './field-error.ts'
import { dnsLabel, dnsSubdomain } from './name-rules.ts'
import { given, recordAt, sameValue, textAt } from './read-value.ts'

const MAX_CONTROLLER = 250
const SCOPES: readonly string[] = ['Cluster', 'Namespace']

export function validateIngressClass(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const spec = recordAt(errors, 'spec', recordAt(errors, '', value)['spec'])
  const controller = textAt(errors, 'spec.controller', spec['controller'])
  if (controller.length > MAX_CONTROLLER) errors.push(tooLong('spec.controller', MAX_CONTROLLER))
  errors.push(...domainPrefixedPath('spec.controller', controller))
  if (given(spec['parameters'])) parametersErrors(errors, spec['parameters'])
  return errors
}

export function validateIngressClassUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const controllerOf = (object: unknown): unknown => recordAt([], '', recordAt([], '', object)['spec'])['controller']
  const errors = [...validateIngressClass(value)]
  if (!sameValue(controllerOf(value), controllerOf(old))) {
    errors.push(invalid('spec.controller', controllerOf(value), 'field is immutable'))
  }
  return errors
}

function parametersErrors(errors: FieldError[], value: unknown): void {
  const field = 'spec.parameters'
  const parameters = recordAt(errors, field, value)
  for (const key of ['kind', 'name'] as const) {
    if (textAt(errors, `${field}.${key}`, parameters[key]) === '') errors.push(required(`${field}.${key}`))
  }
  const group = textAt(errors, `${field}.apiGroup`, parameters['apiGroup'])
  if (group !== '') {
    errors.push(...dnsSubdomain(group).map((problem) => invalid(`${field}.apiGroup`, group, problem)))
  }
  const scope = textAt(errors, `${field}.scope`, parameters['scope'])
  const namespace = textAt(errors, `${field}.namespace`, parameters['namespace'])
  if (!given(parameters['scope'])) errors.push(required(`${field}.scope`))
  else if (!SCOPES.includes(scope)) errors.push(notSupported(`${field}.scope`, scope, SCOPES))
  else if (scope === 'Cluster' && given(parameters['namespace'])) {
    errors.push(forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  } else if (scope === 'Namespace') {
    if (namespace === '') errors.push(required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    else errors.push(...dnsLabel(namespace).map((problem) => invalid(`${field}.namespace`, namespace, problem)))
  }
}

/** `acme.io/foo`: a DNS subdomain and a path (apimachinery IsDomainPrefixedPath). */
function domainPrefixedPath(field: string, text: string): readonly FieldError[] {
  if (text === '') return [required(field)]
  const slash = text.indexOf('/')
  const [domain, path] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)]
  if (slash <= 0 || path === '') {
    return [invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  }
  const problems = dnsSubdomain(domain).map((problem) => invalid(field, domain, problem))
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)) {
    problems.push(invalid(field, path, "Invalid path (e.g. 'example/path' or 'example-path')"))
  }
  return problems
}
