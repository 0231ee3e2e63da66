/**
 * What an update means when it leaves things out (api-server.md 12.3, 12.5; registry/core/service strategy.go
 * and storage.go). Three steps in this order: the two spellings of the address are brought into line, values that
 * the server once chose are put back, and values that the new type has no use for are dropped, each only if this
 * request did not change it; otherwise validation has something to say about it.
 */
import type { Service, ServicePort, ServiceSpec } from '#api'
import { needsHealthCheckPort } from '#allocators'
import { without } from './define-kind.ts'

/** An old client knows `clusterIP` only. */
export function alignClusterIPs(spec: ServiceSpec, old: ServiceSpec | undefined): ServiceSpec {
  const [now, all] = [spec.clusterIP ?? '', spec.clusterIPs ?? []]
  if (old === undefined) return now !== '' && all.length === 0 ? { ...spec, clusterIPs: [now] } : spec
  const [before, allBefore] = [old.clusterIP ?? '', old.clusterIPs ?? []]
  if (allBefore.length > 0 && all.length === 0 && now === before) return { ...spec, clusterIPs: allBefore }
  if (now === before || !sameList(all, allBefore)) return spec
  // Only the short form was changed: the long one follows it.
  return now === '' ? without(spec, 'clusterIPs') : { ...spec, clusterIPs: [now] }
}

export function keepAllocated(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  let next = spec
  if (spec.type !== 'ExternalName' && old.type !== 'ExternalName') {
    const { clusterIP, clusterIPs } = old
    if ((spec.clusterIP ?? '') === '' && clusterIP !== undefined) next = { ...next, clusterIP }
    if ((spec.clusterIPs ?? []).length === 0 && clusterIPs !== undefined) next = { ...next, clusterIPs }
  }
  // Without allocation a port that is left out is a port given back.
  const allocates = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false
  if (hasNodePorts(spec) && hasNodePorts(old) && allocates && spec.ports !== undefined) {
    next = { ...next, ports: keepNodePorts(spec.ports, old.ports ?? []) }
  }
  const health = old.healthCheckNodePort
  const stays = needsHealthCheckPort({ spec } as Service) && needsHealthCheckPort({ spec: old } as Service)
  if (stays && (spec.healthCheckNodePort ?? 0) === 0 && health !== undefined) {
    next = { ...next, healthCheckNodePort: health }
  }
  return next
}

/** By port name: a named entry keeps its node port while its number changes. */
function keepNodePorts(ports: readonly ServicePort[], old: readonly ServicePort[]): readonly ServicePort[] {
  const had = new Set(old.map(({ nodePort }) => nodePort ?? 0))
  const used = new Set(ports.map(({ nodePort }) => nodePort ?? 0).filter((port) => port !== 0 && had.has(port)))
  const byName = new Map(old.map(({ name, nodePort }) => [name ?? '', nodePort ?? 0]))
  return ports.map((port) => {
    const before = byName.get(port.name ?? '') ?? 0
    return (port.nodePort ?? 0) === 0 && before !== 0 && !used.has(before) ? { ...port, nodePort: before } : port
  })
}

export function dropUnused(service: Service, old: Service): Service {
  const [now, before] = [service.spec, old.spec]
  const drop: (keyof ServiceSpec)[] = []
  if (before.type !== 'ExternalName' && now.type === 'ExternalName') {
    if (now.clusterIP === before.clusterIP && sameList(now.clusterIPs, before.clusterIPs)) {
      drop.push('clusterIP', 'clusterIPs')
    }
    if (sameList(now.ipFamilies, before.ipFamilies)) drop.push('ipFamilies')
    if (now.ipFamilyPolicy === before.ipFamilyPolicy) drop.push('ipFamilyPolicy')
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(service)) {
    if (now.healthCheckNodePort === before.healthCheckNodePort) drop.push('healthCheckNodePort')
  }
  if (before.type === 'LoadBalancer' && now.type !== 'LoadBalancer') {
    if (now.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) {
      drop.push('allocateLoadBalancerNodePorts')
    }
    if (now.loadBalancerClass === before.loadBalancerClass) drop.push('loadBalancerClass')
  }
  if (hasExternalTraffic(before) && !hasExternalTraffic(now)) {
    if (now.externalTrafficPolicy === before.externalTrafficPolicy) drop.push('externalTrafficPolicy')
  }
  const spec = without(now, ...drop) as ServiceSpec
  const leavesNodePorts = hasNodePorts(before) && !hasNodePorts(now) && addsNoNodePort(now, before)
  const ports = leavesNodePorts ? spec.ports?.map((port) => without(port, 'nodePort')) : spec.ports
  const next: Service = { ...service, spec: { ...spec, ...(ports !== undefined && { ports }) } }
  return now.type === 'LoadBalancer' ? next : { ...next, status: { ...next.status, loadBalancer: {} } }
}

function addsNoNodePort(spec: ServiceSpec, old: ServiceSpec): boolean {
  const had = new Set((old.ports ?? []).map(({ nodePort }) => nodePort ?? 0))
  return (spec.ports ?? []).every(({ nodePort }) => (nodePort ?? 0) === 0 || had.has(nodePort ?? 0))
}

function hasNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer'
}

function hasExternalTraffic(spec: ServiceSpec): boolean {
  return hasNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const [left, right] = [a ?? [], b ?? []]
  return left.length === right.length && left.every((item, i) => item === right[i])
}
