/**
 * What a Service must satisfy on create and on update alike (core/validation validateService; api-server.md 12.2). The
 * order of the findings and their texts follow upstream 1.36.
 */
import { isAddress } from '#lib'
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, notSupported, required } from './field-error.ts'
import { addressProblems, cidrProblems, looseAddressProblems, specialAddressErrors } from './ip-rules.ts'
import { dnsSubdomain, portNumber, qualifiedName } from './name-rules.ts'
import { validateLabels } from './object-meta.ts'
import { given, integerAt, listAt, recordAt, textAt } from './read-value.ts'
import type { ServiceView } from './read-service.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheck, readService } from './read-service.ts'
import { validateServiceAddresses } from './service-addresses.ts'
import { validateServicePorts } from './service-ports.ts'

const TYPES: readonly string[] = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const AFFINITIES: readonly string[] = ['ClientIP', 'None']
const POLICIES: readonly string[] = ['Cluster', 'Local']
const DISTRIBUTIONS: readonly string[] = ['PreferClose', 'PreferSameNode', 'PreferSameZone']

const MAX_AFFINITY_SECONDS = 86_400
const HINTS = 'service.kubernetes.io/topology-aware-hints'
const MODE = 'service.kubernetes.io/topology-mode'
const RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const ONLY_LB = "may only be used when `type` is 'LoadBalancer'"

/** `stored`: addresses and ranges that were accepted before stay acceptable. */
export function validateService(value: unknown, stored: ReadonlySet<string> = new Set()): readonly FieldError[] {
  const errors: FieldError[] = []
  const service = readService(errors, value)
  const mode = service.annotations[MODE]
  if (mode !== undefined && service.annotations[HINTS] !== undefined && mode !== service.annotations[HINTS]) {
    const text = `must match annotations[${HINTS}] when both are specified`
    errors.push(invalid(`metadata.annotations[${MODE}]`, mode, text))
  }
  if (service.ports.length === 0 && !isHeadless(service) && service.type !== 'ExternalName') {
    errors.push(required('spec.ports'))
  }
  errors.push(...typeErrors(service))
  errors.push(...validateServicePorts(service))
  errors.push(...validateLabels('spec.selector', service.spec['selector']))
  errors.push(...affinityErrors(service))
  errors.push(...validateServiceAddresses(service, stored))
  service.externalIPs.forEach((address, i) => {
    const field = `spec.externalIPs[${i}]`
    const problems = stored.has(address) ? looseAddressProblems(address) : addressProblems(address)
    if (problems.length > 0) errors.push(...problems.map((problem) => invalid(field, address, problem)))
    else errors.push(...specialAddressErrors(field, address))
  })
  if (service.type === '') errors.push(required('spec.type'))
  else if (!TYPES.includes(service.type)) errors.push(notSupported('spec.type', service.type, TYPES))
  errors.push(...sourceRangeErrors(service, stored))
  if (service.allocateNodePorts !== undefined && service.type !== 'LoadBalancer') {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LB))
  }
  errors.push(...classErrors(service), ...trafficErrors(service))
  return errors
}

/** `status.loadBalancer`, written by load-balancer controllers. */
export function validateServiceStatus(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  const type = textAt([], '', recordAt([], '', object['spec'])['type'])
  const balancer = recordAt(errors, 'status.loadBalancer', recordAt(errors, 'status', object['status'])['loadBalancer'])
  const field = 'status.loadBalancer.ingress'
  const ingress = listAt(errors, field, balancer['ingress'])
  if (ingress.length > 0 && type !== 'LoadBalancer') {
    errors.push(forbidden(field, 'may only be used when `spec.type` is LoadBalancer'))
    return errors
  }
  ingress.forEach((item, i) => {
    const at = `${field}[${i}]`
    const entry = recordAt(errors, at, item)
    const ip = textAt(errors, `${at}.ip`, entry['ip'])
    errors.push(...(ip === '' ? [] : addressProblems(ip)).map((problem) => invalid(`${at}.ip`, ip, problem)))
    const mode = textAt(errors, `${at}.ipMode`, entry['ipMode'])
    if (ip !== '' && !given(entry['ipMode']))
      errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'))
    else if (given(entry['ipMode']) && ip === '') {
      errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'))
    } else if (given(entry['ipMode']) && !['Proxy', 'VIP'].includes(mode)) {
      errors.push(notSupported(`${at}.ipMode`, mode, ['Proxy', 'VIP']))
    }
    const hostname = textAt(errors, `${at}.hostname`, entry['hostname'])
    if (hostname === '') return
    errors.push(...dnsSubdomain(hostname).map((problem) => invalid(`${at}.hostname`, hostname, problem)))
    if (isAddress(hostname)) {
      errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
    }
  })
  return errors
}

function typeErrors(service: ServiceView): readonly FieldError[] {
  if (service.type === 'LoadBalancer' || service.type === 'NodePort') {
    if (!isHeadless(service)) return []
    return [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${service.type} services`)]
  }
  if (service.type !== 'ExternalName') return []
  const errors: FieldError[] = []
  const text = 'may not be set for ExternalName services'
  if (service.clusterIPs.length > 0 || service.clusterIP !== '') errors.push(forbidden('spec.clusterIPs', text))
  if (service.ipFamilies.length > 0) errors.push(forbidden('spec.ipFamilies', text))
  if (service.ipFamilyPolicy !== undefined) errors.push(forbidden('spec.ipFamilyPolicy', text))
  // One dot at the end marks a name as complete.
  const name = service.externalName.replace(/\.$/, '')
  if (name === '') errors.push(required('spec.externalName'))
  else errors.push(...dnsSubdomain(name).map((problem) => invalid('spec.externalName', name, problem)))
  return errors
}

function affinityErrors(service: ServiceView): readonly FieldError[] {
  const affinity = service.sessionAffinity
  const field = 'spec.sessionAffinityConfig'
  if (affinity === '') return [required('spec.sessionAffinity')]
  if (!AFFINITIES.includes(affinity)) return [notSupported('spec.sessionAffinity', affinity, AFFINITIES)]
  const config = service.spec['sessionAffinityConfig']
  if (affinity === 'None') {
    return given(config) ? [forbidden(field, 'must not be set when session affinity is None')] : []
  }
  const errors: FieldError[] = []
  const when = 'when session affinity type is ClientIP'
  const clientIP = recordAt(errors, field, config)['clientIP']
  const timeout = recordAt(errors, `${field}.clientIP`, clientIP)['timeoutSeconds']
  if (!given(config)) errors.push(required(field, when))
  else if (!given(clientIP)) errors.push(required(`${field}.clientIP`, when))
  else if (!given(timeout)) errors.push(required(`${field}.clientIP.timeoutSeconds`, when))
  else {
    const seconds = integerAt(errors, `${field}.clientIP.timeoutSeconds`, timeout)
    if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS) {
      const text = `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`
      errors.push(invalid(`${field}.clientIP.timeoutSeconds`, timeout, text))
    }
  }
  return errors
}

/** The field's path is spelled with a capital letter upstream, and clients see it so. */
function sourceRangeErrors(service: ServiceView, stored: ReadonlySet<string>): readonly FieldError[] {
  const errors: FieldError[] = []
  const check = (field: string, text: string): void => {
    if (stored.has(text)) return
    errors.push(...cidrProblems(text.trim()).map((problem) => invalid(field, text.trim(), problem)))
  }
  if (service.sourceRanges.length > 0) {
    const field = 'spec.LoadBalancerSourceRanges'
    if (service.type !== 'LoadBalancer') errors.push(forbidden(field, ONLY_LB))
    service.sourceRanges.forEach((range, i) => check(`${field}[${i}]`, range))
    return errors
  }
  const annotation = service.annotations[RANGES]
  if (annotation === undefined) return errors
  const field = `metadata.annotations[${RANGES}]`
  if (service.type !== 'LoadBalancer') errors.push(forbidden(field, ONLY_LB))
  if (annotation.trim() !== '') for (const range of annotation.trim().split(',')) check(field, range)
  return errors
}

function classErrors(service: ServiceView): readonly FieldError[] {
  const name = service.loadBalancerClass
  if (name === undefined) return []
  if (service.type !== 'LoadBalancer') return [forbidden('spec.loadBalancerClass', ONLY_LB)]
  return qualifiedName(name).map((problem) => invalid('spec.loadBalancerClass', name, problem))
}

function trafficErrors(service: ServiceView): readonly FieldError[] {
  const errors: FieldError[] = []
  const external = service.externalTrafficPolicy
  const field = 'spec.externalTrafficPolicy'
  if (!isExternallyAccessible(service)) {
    if (external !== '') errors.push(invalid(field, external, 'may only be set for externally-accessible services'))
  } else if (external === '') errors.push(required(field))
  else if (!POLICIES.includes(external)) errors.push(notSupported(field, external, POLICIES))

  const health = service.healthCheckNodePort
  if (needsHealthCheck(service)) {
    // 0: allocated after validation.
    const problems = health === 0 ? [] : portNumber(health)
    errors.push(...problems.map((problem) => invalid('spec.healthCheckNodePort', health, problem)))
  } else if (health !== 0) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    errors.push(invalid('spec.healthCheckNodePort', health, text))
  }
  const internal = service.internalTrafficPolicy
  if (internal === undefined) {
    if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(service.type)) {
      errors.push(required('spec.internalTrafficPolicy'))
    }
  } else if (!POLICIES.includes(internal)) {
    errors.push(notSupported('spec.internalTrafficPolicy', internal, POLICIES))
  }
  const distribution = service.trafficDistribution
  if (distribution !== undefined && !DISTRIBUTIONS.includes(distribution)) {
    errors.push(notSupported('spec.trafficDistribution', distribution, DISTRIBUTIONS))
  }
  return errors
}
