/** Ingress (networking/validation; api-server.md 14.4). */
import { isAddress } from '#lib'
import type { FieldError } from './field-error.ts'
import { invalid, notSupported, required } from './field-error.ts'
import { addressProblems } from './ip-rules.ts'
import { dnsLabel, dnsSubdomain, portName, portNumber, wildcardSubdomain } from './name-rules.ts'
import type { Fields } from './read-value.ts'
import { given, integerAt, listAt, recordAt, textAt, textListAt, textMapAt } from './read-value.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const PATH_TYPES: readonly string[] = ['Exact', 'ImplementationSpecific', 'Prefix']
const FORBIDDEN_PARTS: readonly string[] = ['//', '/./', '/../', '%2f', '%2F']
const FORBIDDEN_ENDS: readonly string[] = ['/..', '/.']

export function validateIngress(value: unknown): readonly FieldError[] {
  const errors = [...validateIngressUpdate(value)]
  const ingress = recordAt([], '', value)
  const spec = recordAt([], '', ingress['spec'])
  const annotation = textMapAt([], '', recordAt([], '', ingress['metadata'])['annotations'])[CLASS_ANNOTATION]
  const name = spec['ingressClassName']
  if (annotation !== undefined && given(name) && annotation !== name) {
    const text = 'must match `ingressClassName` when both are specified'
    errors.push(invalid(`annotations.${CLASS_ANNOTATION}`, annotation, text))
  }
  return errors
}

/** An object that already names two classes may keep them, so an update does not compare. */
export function validateIngressUpdate(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const ingress = recordAt(errors, '', value)
  const spec = recordAt(errors, 'spec', ingress['spec'])
  const rules = listAt(errors, 'spec.rules', spec['rules'])
  if (rules.length === 0 && !given(spec['defaultBackend'])) {
    errors.push(invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (given(spec['defaultBackend'])) backend(errors, 'spec.defaultBackend', spec['defaultBackend'])
  rules.forEach((rule, i) => ruleErrors(errors, `spec.rules[${i}]`, rule))
  listAt(errors, 'spec.tls', spec['tls']).forEach((item, i) => {
    const field = `spec.tls[${i}]`
    const tls = recordAt(errors, field, item)
    textListAt(errors, `${field}.hosts`, tls['hosts']).forEach((host, j) =>
      hostErrors(errors, `${field}.hosts[${j}]`, host),
    )
    const secret = textAt(errors, `${field}.secretName`, tls['secretName'])
    if (secret !== '') check(errors, `${field}.secretName`, { value: secret, problems: dnsSubdomain(secret) })
  })
  const className = textAt(errors, 'spec.ingressClassName', spec['ingressClassName'])
  if (given(spec['ingressClassName'])) {
    check(errors, 'spec.ingressClassName', { value: className, problems: dnsSubdomain(className) })
  }
  statusErrors(errors, recordAt(errors, 'status', ingress['status']))
  return errors
}

function ruleErrors(errors: FieldError[], field: string, value: unknown): void {
  const rule = recordAt(errors, field, value)
  const host = textAt(errors, `${field}.host`, rule['host'])
  if (host !== '') hostErrors(errors, `${field}.host`, host)
  if (!given(rule['http'])) return
  const paths = listAt(errors, `${field}.http.paths`, recordAt(errors, `${field}.http`, rule['http'])['paths'])
  if (paths.length === 0) errors.push(required(`${field}.http.paths`))
  paths.forEach((path, i) => pathErrors(errors, `${field}.http.paths[${i}]`, path))
}

function pathErrors(errors: FieldError[], field: string, value: unknown): void {
  const entry = recordAt(errors, field, value)
  const path = textAt(errors, `${field}.path`, entry['path'])
  const type = textAt(errors, `${field}.pathType`, entry['pathType'])
  if (!given(entry['pathType'])) errors.push(required(`${field}.pathType`, 'pathType must be specified'))
  else if (!PATH_TYPES.includes(type)) errors.push(notSupported(`${field}.pathType`, type, PATH_TYPES))
  else if (type === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) errors.push(invalid(`${field}.path`, path, 'must be an absolute path'))
  } else {
    if (!path.startsWith('/')) errors.push(invalid(`${field}.path`, path, 'must be an absolute path'))
    for (const part of FORBIDDEN_PARTS) {
      if (path.includes(part)) errors.push(invalid(`${field}.path`, path, `must not contain '${part}'`))
    }
    for (const end of FORBIDDEN_ENDS) {
      if (path.endsWith(end)) errors.push(invalid(`${field}.path`, path, `cannot end with '${end}'`))
    }
  }
  backend(errors, `${field}.backend`, entry['backend'])
}

function backend(errors: FieldError[], field: string, value: unknown): void {
  const { service, resource } = recordAt(errors, field, value)
  if (given(service) && given(resource)) {
    errors.push(invalid(field, '', 'cannot set both resource and service backends'))
  } else if (given(resource))
    resourceErrors(errors, `${field}.resource`, recordAt(errors, `${field}.resource`, resource))
  else if (given(service)) serviceErrors(errors, field, recordAt(errors, `${field}.service`, service))
  else errors.push(invalid(field, '', 'resource or service backend is required'))
}

function resourceErrors(errors: FieldError[], field: string, resource: Fields): void {
  for (const key of ['kind', 'name'] as const) {
    if (textAt(errors, `${field}.${key}`, resource[key]) === '') errors.push(required(`${field}.${key}`))
  }
  const group = textAt(errors, `${field}.apiGroup`, resource['apiGroup'])
  if (group !== '') check(errors, `${field}.apiGroup`, { value: group, problems: dnsSubdomain(group) })
}

function serviceErrors(errors: FieldError[], field: string, service: Fields): void {
  const name = textAt(errors, `${field}.service.name`, service['name'])
  if (name === '') errors.push(required(`${field}.service.name`))
  else check(errors, `${field}.service.name`, { value: name, problems: dnsLabel(name) })
  const port = recordAt(errors, `${field}.service.port`, service['port'])
  const portText = textAt(errors, `${field}.service.port.name`, port['name'])
  const number = integerAt(errors, `${field}.service.port.number`, port['number'])
  if (portText !== '' && number !== 0) errors.push(invalid(field, '', 'cannot set both port name & port number'))
  else if (portText !== '') {
    check(errors, `${field}.service.port.name`, { value: portText, problems: portName(portText) })
  } else if (number !== 0) {
    check(errors, `${field}.service.port.number`, { value: number, problems: portNumber(number) })
  } else errors.push(required(field, 'port name or number is required'))
}

function hostErrors(errors: FieldError[], field: string, host: string): void {
  if (isAddress(host)) errors.push(invalid(field, host, 'must be a DNS name, not an IP address'))
  const problems = host.includes('*') ? wildcardSubdomain(host) : dnsSubdomain(host)
  check(errors, field, { value: host, problems })
}

function statusErrors(errors: FieldError[], status: Fields): void {
  const field = 'status.loadBalancer'
  const ingress = listAt(errors, `${field}.ingress`, recordAt(errors, field, status['loadBalancer'])['ingress'])
  ingress.forEach((item, i) => {
    const at = `${field}.ingress[${i}]`
    const entry = recordAt(errors, at, item)
    const ip = textAt(errors, `${at}.ip`, entry['ip'])
    if (ip !== '') check(errors, `${at}.ip`, { value: ip, problems: addressProblems(ip) })
    const hostname = textAt(errors, `${at}.hostname`, entry['hostname'])
    if (hostname === '') return
    check(errors, `${at}.hostname`, { value: hostname, problems: dnsSubdomain(hostname) })
    if (isAddress(hostname)) errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
  })
}

function check(
  errors: FieldError[],
  field: string,
  found: { readonly value: unknown; readonly problems: readonly string[] },
): void {
  errors.push(...found.problems.map((problem) => invalid(field, found.value, problem)))
}
