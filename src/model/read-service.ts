/**
 * The fields of a Service that make rules, in one family and in canonical form, and what is wrong with the others
 * (IN-7..IN-19; kube-proxy pkg/proxy/serviceport.go).
 */
import type { Protocol, Service, ServicePort, TrafficPolicy } from '#api'
import { LABEL_SERVICE_PROXY_NAME } from '#api'
import type { Family } from '#lib'
import { canonicalAddress, familyOf, formatCidr, parseCidr } from '#lib'
import type { Problem, ProblemCode, SkipReason } from './types.ts'

export type ReadService = {
  readonly skipped?: SkipReason
  readonly clusterIP?: string
  readonly externalIPs: readonly string[]
  readonly virtualIPs: readonly string[]
  readonly sourceRanges: readonly string[]
  readonly affinitySeconds?: number
  readonly healthCheckNodePort?: number
  readonly internalPolicy: TrafficPolicy
  readonly externalPolicy: TrafficPolicy
  readonly ports: readonly ReadPort[]
  readonly problems: readonly Problem[]
}

export type ReadPort = {
  readonly name: string
  readonly protocol: Protocol
  readonly servicePort: number
  readonly nodePort?: number
}

type Report = (code: ProblemCode, field: string, message: string) => void

const DEFAULT_AFFINITY_SECONDS = 10_800
const PROTOCOLS: readonly string[] = ['TCP', 'UDP', 'SCTP']

export function readService(service: Service, family: Family): ReadService {
  const problems: Problem[] = []
  const object = `Service ${service.metadata.namespace ?? 'default'}/${service.metadata.name}`
  const report: Report = (code, field, message) => void problems.push({ code, object, field, message })
  const address = familyAddress(service, family, report)
  if (address.skipped !== undefined) {
    return { ...NOTHING, skipped: address.skipped, problems }
  }
  const { spec } = service
  const externalPolicy = externalPolicyOf(service)
  const healthCheckNodePort = healthCheckPort(service, externalPolicy, report)
  const affinitySeconds = affinityOf(service)
  return {
    clusterIP: address.clusterIP,
    externalIPs: addressList(spec.externalIPs ?? [], family, (value, index) =>
      report('invalid-external-ip', `spec.externalIPs[${index}]`, `"${value}" is not an IP address`),
    ),
    virtualIPs: addressList(ingressAddresses(service), family, (value) =>
      report('invalid-ingress-ip', 'status.loadBalancer.ingress', `"${value}" is not an IP address`),
    ),
    sourceRanges: sourceRanges(spec.loadBalancerSourceRanges ?? [], family, report),
    ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
    internalPolicy: spec.internalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    externalPolicy,
    ports: readPorts(spec.ports ?? [], report),
    problems,
  }
}

const NOTHING: Omit<ReadService, 'skipped' | 'problems'> = {
  externalIPs: [],
  virtualIPs: [],
  sourceRanges: [],
  internalPolicy: 'Cluster',
  externalPolicy: 'Cluster',
  ports: [],
}

type FamilyAddress = { readonly skipped: SkipReason } | { readonly skipped?: undefined; readonly clusterIP: string }

/** IN-1, IN-7, IN-8. */
function familyAddress(service: Service, family: Family, report: Report): FamilyAddress {
  const { spec, metadata } = service
  if (!isLabel(metadata.name) || !isLabel(metadata.namespace ?? 'default')) return { skipped: 'invalid-name' }
  if (metadata.labels?.[LABEL_SERVICE_PROXY_NAME] !== undefined) return { skipped: 'other-proxy' }
  if (spec.type === 'ExternalName') return { skipped: 'external-name' }
  if (spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') return { skipped: 'headless' }
  const families = spec.ipFamilies ?? []
  const written = families.length > 0 ? spec.clusterIPs?.[families.indexOf(family)] : spec.clusterIP
  if ((written ?? '') === '') {
    const none = (spec.clusterIP ?? '') === '' && (spec.clusterIPs ?? []).length === 0
    return { skipped: none ? 'no-cluster-ip' : 'no-cluster-ip-of-family' }
  }
  const clusterIP = canonicalAddress(written ?? '')
  if (clusterIP === undefined) {
    report('invalid-cluster-ip', 'spec.clusterIPs', `"${written}" is not an IP address`)
    return { skipped: 'invalid-cluster-ip' }
  }
  return familyOf(clusterIP) === family ? { clusterIP } : { skipped: 'no-cluster-ip-of-family' }
}

/** IN-11: the field counts only where the type lets outside traffic in. */
function externalPolicyOf(service: Service): TrafficPolicy {
  const { spec } = service
  const type = spec.type ?? 'ClusterIP'
  const reachable = type === 'NodePort' || type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0
  return reachable && spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster'
}

/** IN-13. */
function healthCheckPort(service: Service, externalPolicy: TrafficPolicy, report: Report): number | undefined {
  if (service.spec.type !== 'LoadBalancer' || externalPolicy !== 'Local') return undefined
  const port = service.spec.healthCheckNodePort ?? 0
  if (isPort(port)) return port
  report('health-check-port-missing', 'spec.healthCheckNodePort', 'externalTrafficPolicy is Local, but no port is set')
  return undefined
}

/** IN-19: the API server defaults the timeout; a proxy that trusts it would crash on one that did not. */
function affinityOf(service: Service): number | undefined {
  if (service.spec.sessionAffinity !== 'ClientIP') return undefined
  return service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS
}

/** IN-14: `ipMode: Proxy` asks to be left alone. */
function ingressAddresses(service: Service): string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? []
  return ingress.flatMap((entry) => ((entry.ip ?? '') !== '' && entry.ipMode !== 'Proxy' ? [entry.ip ?? ''] : []))
}

/** Canonical, of one family, without repetitions (IN-17, IN-18). */
function addressList(
  written: readonly string[],
  family: Family,
  onInvalid: (value: string, index: number) => void,
): string[] {
  const kept = new Set<string>()
  for (const [index, value] of written.entries()) {
    const address = canonicalAddress(value.trim())
    if (address === undefined) onInvalid(value, index)
    else if (familyOf(address) === family) kept.add(address)
  }
  return [...kept]
}

/** IN-16: a /0 opens the family; so does a list without a range of it. */
function sourceRanges(written: readonly string[], family: Family, report: Report): string[] {
  const kept = new Set<string>()
  for (const [index, value] of written.entries()) {
    const cidr = parseCidr(value.trim())
    if (cidr === undefined) {
      report('invalid-source-range', `spec.loadBalancerSourceRanges[${index}]`, `"${value}" is not a CIDR`)
    } else if (cidr.family === family) {
      if (cidr.prefixLength === 0) return []
      kept.add(formatCidr(cidr))
    }
  }
  return [...kept]
}

/** One bad port never loses the others. Of two ports with one identity the later stands, as in kube-proxy's map. */
function readPorts(written: readonly ServicePort[], report: Report): ReadPort[] {
  const byIdentity = new Map<string, ReadPort>()
  for (const [index, port] of written.entries()) {
    const field = `spec.ports[${index}]`
    const protocol = port.protocol ?? 'TCP'
    if (!isPort(port.port)) report('invalid-port', `${field}.port`, `${port.port} is not a port number`)
    else if (!PROTOCOLS.includes(protocol)) report('unknown-protocol', `${field}.protocol`, `"${String(protocol)}"`)
    else if (port.name !== undefined && port.name !== '' && !isLabel(port.name)) {
      report('invalid-port-name', `${field}.name`, 'not a DNS label')
    } else {
      const nodePort = port.nodePort ?? 0
      if (nodePort !== 0 && !isPort(nodePort)) {
        report('invalid-port', `${field}.nodePort`, `${nodePort} is not a port number`)
      }
      const identity = `${port.name ?? ''}/${protocol}`
      if (byIdentity.has(identity)) report('duplicate-port', field, `another port is called ${identity}`)
      byIdentity.set(identity, {
        name: port.name ?? '',
        protocol,
        servicePort: port.port,
        ...(isPort(nodePort) ? { nodePort } : {}),
      })
    }
  }
  return [...byIdentity.values()]
}

/** RFC 1123. */
function isLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(text)
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535
}
