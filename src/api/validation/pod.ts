/** Pods, as far as Signalbox runs them (core/validation pods.go; api-server.md 14.5). */
import { isAddress } from '#lib'
import { protocolErrors } from './endpoints.ts'
import type { FieldError } from './field-error.ts'
import { duplicate, forbidden, invalid, notSupported, required } from './field-error.ts'
import { addressProblems } from './ip-rules.ts'
import { dnsLabel, dnsSubdomain, environmentName, portName, portNumber } from './name-rules.ts'
import { validateLabels } from './object-meta.ts'
import { validateProbes } from './probe.ts'
import type { Fields } from './read-value.ts'
import { booleanAt, given, integerAt, listAt, recordAt, sameValue, textAt, textListAt } from './read-value.ts'

const RESTART_POLICIES: readonly string[] = ['Always', 'Never', 'OnFailure']
const DNS_POLICIES: readonly string[] = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']
const LABEL_KEYS = ['nodeSelector'] as const

export function validatePod(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const spec = recordAt(errors, 'spec', recordAt(errors, '', value)['spec'])
  const hostNetwork = booleanAt(errors, 'spec.hostNetwork', spec['hostNetwork']) === true
  const names = new Set<string>()
  const init = listAt(errors, 'spec.initContainers', spec['initContainers'])
  const main = listAt(errors, 'spec.containers', spec['containers'])
  if (main.length === 0) errors.push(required('spec.containers'))
  main.forEach((item, i) => container(errors, `spec.containers[${i}]`, { item, names, hostNetwork, init: false }))
  init.forEach((item, i) => container(errors, `spec.initContainers[${i}]`, { item, names, hostNetwork, init: true }))
  hostPortErrors(errors, main)
  oneOf(errors, 'spec.restartPolicy', { value: spec['restartPolicy'], allowed: RESTART_POLICIES })
  oneOf(errors, 'spec.dnsPolicy', { value: spec['dnsPolicy'], allowed: DNS_POLICIES })
  dnsConfigErrors(errors, spec)
  for (const [key, check] of [
    ['nodeName', dnsSubdomain],
    ['serviceAccountName', dnsSubdomain],
    ['hostname', dnsLabel],
    ['subdomain', dnsLabel],
  ] as const) {
    const text = textAt(errors, `spec.${key}`, spec[key])
    if (text !== '') errors.push(...check(text).map((problem) => invalid(`spec.${key}`, text, problem)))
  }
  for (const key of LABEL_KEYS) errors.push(...validateLabels(`spec.${key}`, spec[key]))
  const grace = integerAt(errors, 'spec.terminationGracePeriodSeconds', spec['terminationGracePeriodSeconds'])
  if (grace < 0) errors.push(invalid('spec.terminationGracePeriodSeconds', grace, 'must be greater than or equal to 0'))
  listAt(errors, 'spec.hostAliases', spec['hostAliases']).forEach((item, i) => {
    const ip = textAt(errors, `spec.hostAliases[${i}].ip`, recordAt(errors, `spec.hostAliases[${i}]`, item)['ip'])
    errors.push(...addressProblems(ip).map((problem) => invalid(`spec.hostAliases[${i}].ip`, ip, problem)))
  })
  return errors
}

const MUTABLE_TEXT =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/**
 * A pod's spec is a promise its node relies on. One exception beyond upstream's list: a pod without a node may be given
 * one by an update, which upstream allows through the binding subresource only.
 */
export function validatePodUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const errors = [...validatePod(value)]
  const [spec, before] = [
    recordAt([], '', recordAt([], '', value)['spec']),
    recordAt([], '', recordAt([], '', old)['spec']),
  ]
  const had = listAt([], '', before['tolerations'])
  const now = listAt([], '', spec['tolerations'])
  if (had.some((toleration) => !now.some((other) => sameValue(other, toleration)))) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
  }
  const bindable = textAt([], '', before['nodeName']) === ''
  if (!sameValue(frozen(spec, bindable), frozen(before, bindable))) errors.push(forbidden('spec', MUTABLE_TEXT))
  return errors
}

function frozen(spec: Fields, bindable: boolean): Fields {
  const withoutImage = (value: unknown): unknown =>
    listAt([], '', value).map((item) => ({ ...recordAt([], '', item), image: undefined }))
  return {
    ...spec,
    containers: withoutImage(spec['containers']),
    initContainers: withoutImage(spec['initContainers']),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    terminationGracePeriodSeconds: undefined,
    ...(bindable && { nodeName: undefined }),
  }
}

function container(
  errors: FieldError[],
  field: string,
  context: {
    readonly item: unknown
    readonly names: Set<string>
    readonly hostNetwork: boolean
    readonly init: boolean
  },
): void {
  const value = recordAt(errors, field, context.item)
  const name = textAt(errors, `${field}.name`, value['name'])
  if (name === '') errors.push(required(`${field}.name`))
  else errors.push(...dnsLabel(name).map((problem) => invalid(`${field}.name`, name, problem)))
  if (name !== '' && context.names.has(name)) errors.push(duplicate(`${field}.name`, name))
  context.names.add(name)
  const image = textAt(errors, `${field}.image`, value['image'])
  if (image === '') errors.push(required(`${field}.image`))
  else if (image !== image.trim()) {
    errors.push(invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'))
  }
  textListAt(errors, `${field}.command`, value['command'])
  textListAt(errors, `${field}.args`, value['args'])
  const restart = textAt(errors, `${field}.restartPolicy`, value['restartPolicy'])
  if (context.init && restart !== '' && restart !== 'Always') {
    errors.push(notSupported(`${field}.restartPolicy`, restart, ['Always']))
  }
  containerPorts(errors, `${field}.ports`, { value: value['ports'], hostNetwork: context.hostNetwork })
  listAt(errors, `${field}.env`, value['env']).forEach((item, i) => {
    const at = `${field}.env[${i}]`
    const variable = recordAt(errors, at, item)
    const key = textAt(errors, `${at}.name`, variable['name'])
    if (key === '') errors.push(required(`${at}.name`))
    else errors.push(...environmentName(key).map((problem) => invalid(`${at}.name`, key, problem)))
    if (given(variable['valueFrom']) && textAt(errors, `${at}.value`, variable['value']) !== '') {
      errors.push(invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'))
    }
  })
  // Probes of init containers make sense for those that keep running.
  validateProbes(errors, field, { container: value, allowed: !context.init || restart === 'Always' })
}

function containerPorts(
  errors: FieldError[],
  field: string,
  { value, hostNetwork }: { readonly value: unknown; readonly hostNetwork: boolean },
): void {
  const names = new Set<string>()
  listAt(errors, field, value).forEach((item, i) => {
    const at = `${field}[${i}]`
    const port = recordAt(errors, at, item)
    const name = textAt(errors, `${at}.name`, port['name'])
    if (name !== '') {
      errors.push(...portName(name).map((problem) => invalid(`${at}.name`, name, problem)))
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
    const number = integerAt(errors, `${at}.containerPort`, port['containerPort'])
    if (number === 0) errors.push(required(`${at}.containerPort`))
    else errors.push(...portNumber(number).map((problem) => invalid(`${at}.containerPort`, number, problem)))
    const host = integerAt(errors, `${at}.hostPort`, port['hostPort'])
    if (host !== 0) {
      errors.push(...portNumber(host).map((problem) => invalid(`${at}.hostPort`, host, problem)))
      if (hostNetwork && host !== number) {
        errors.push(invalid(`${at}.hostPort`, host, 'must match `containerPort` when `hostNetwork` is true'))
      }
    }
    const hostIP = textAt(errors, `${at}.hostIP`, port['hostIP'])
    if (hostIP !== '' && !isAddress(hostIP))
      errors.push(invalid(`${at}.hostIP`, hostIP, addressProblems(hostIP)[0] ?? ''))
    protocolErrors(errors, at, port)
  })
}

/** Two containers of one pod cannot have the same port of the node. */
function hostPortErrors(errors: FieldError[], containers: readonly unknown[]): void {
  const seen = new Set<string>()
  containers.forEach((item, c) => {
    listAt([], '', recordAt([], '', item)['ports']).forEach((value, p) => {
      const port = recordAt([], '', value)
      const host = port['hostPort']
      if (typeof host !== 'number' || host === 0) return
      const key = `${textAt([], '', port['protocol'])}/${textAt([], '', port['hostIP'])}/${host}`
      if (seen.has(key)) errors.push(duplicate(`spec.containers[${c}].ports[${p}].hostPort`, key))
      seen.add(key)
    })
  })
}

function dnsConfigErrors(errors: FieldError[], spec: Fields): void {
  const config = recordAt(errors, 'spec.dnsConfig', spec['dnsConfig'])
  const servers = textListAt(errors, 'spec.dnsConfig.nameservers', config['nameservers'])
  if (servers.length > 3) {
    errors.push(invalid('spec.dnsConfig.nameservers', servers, 'must not have more than 3 nameservers'))
  }
  servers.forEach((server, i) => {
    const at = `spec.dnsConfig.nameservers[${i}]`
    errors.push(...addressProblems(server).map((problem) => invalid(at, server, problem)))
  })
  if (spec['dnsPolicy'] === 'None' && servers.length === 0) {
    errors.push(
      required('spec.dnsConfig.nameservers', 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
    )
  }
  textListAt(errors, 'spec.dnsConfig.searches', config['searches']).forEach((search, i) => {
    if (search === '.') return
    const problems = dnsSubdomain(search.replace(/\.$/, '').replaceAll('_', 'x'))
    errors.push(...problems.map((problem) => invalid(`spec.dnsConfig.searches[${i}]`, search, problem)))
  })
}

function oneOf(
  errors: FieldError[],
  field: string,
  { value, allowed }: { readonly value: unknown; readonly allowed: readonly string[] },
): void {
  const text = textAt(errors, field, value)
  if (text === '') errors.push(required(field))
  else if (!allowed.includes(text)) errors.push(notSupported(field, text, allowed))
}
