/** Things about a Service that are accepted but will surprise somebody (pkg/api/service/warnings.go; api-server.md 12.2). */
import { canonicalAddress } from '#lib'
import { isHeadless, readService } from './read-service.ts'

const HINTS = 'service.kubernetes.io/topology-aware-hints'
const MODE = 'service.kubernetes.io/topology-mode'

export function serviceWarnings(value: unknown): readonly string[] {
  const service = readService([], value)
  const loadBalancerIP = service.spec['loadBalancerIP']
  const warnings: string[] = []
  if (service.annotations[HINTS] !== undefined) {
    warnings.push(`annotation ${HINTS} is deprecated, please use ${MODE} instead`)
  }
  if (isHeadless(service)) {
    if (typeof loadBalancerIP === 'string' && loadBalancerIP !== '') {
      warnings.push('spec.loadBalancerIP is ignored when spec.clusterIP is "None"')
    }
    if (service.externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.clusterIP is "None"')
    if (service.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services')
  } else {
    service.clusterIPs.forEach((address, i) => warnings.push(...formWarnings(`spec.clusterIPs[${i}]`, address)))
    if (service.externalIPs.length > 0) {
      warnings.push('spec.externalIPs is deprecated since v1.36 and will be removed in a future release')
    }
  }
  service.externalIPs.forEach((address, i) => warnings.push(...formWarnings(`spec.externalIPs[${i}]`, address)))
  if (service.type !== 'ExternalName' && service.externalName !== '') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  if (service.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  }
  return warnings
}

function formWarnings(field: string, address: string): readonly string[] {
  const canonical = canonicalAddress(address)
  if (canonical === undefined || canonical === address || !address.includes(':')) return []
  return [
    `${field}: IPv6 address "${address}" is not in RFC 5952 canonical format ("${canonical}"), which may cause controller apply-loops`,
  ]
}
