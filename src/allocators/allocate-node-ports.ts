/**
 * Node ports and the health-check node port (alloc.go initNodePorts, updateNodePorts, updateHealthCheckNodePort). TCP and
 * UDP entries with one service port share a number, whether it was asked for or chosen here.
 */
import type { Service, ServicePort } from '#api'
import { invalid } from '#api'
import type { PortAllocator } from './port-allocator.ts'
import type { AllocationStep, AllocationStop } from './allocation-step.ts'

export function allocateNodePorts(
  service: Service,
  old: Service | undefined,
  step: AllocationStep,
): Service | AllocationStop {
  const had = new Set(old === undefined ? [] : portNumbersOf(old))
  const ports = hasNodePorts(service) ? takeNodePorts(service, had, step) : (service.spec.ports ?? [])
  if (!isPorts(ports)) return ports
  const kept = new Set(hasNodePorts(service) ? ports.map(({ nodePort }) => nodePort ?? 0) : [])
  for (const port of had) {
    if (!kept.has(port)) step.transaction.releaseLater(() => step.ports.release(port, step.owner))
  }
  const next = service.spec.ports === undefined ? service : { ...service, spec: { ...service.spec, ports } }
  return takeHealthCheckPort(next, old, step)
}

/** Every port number the Service holds, the health-check port included. */
export function nodePortsOf(service: Service): readonly number[] {
  const health = needsHealthCheckPort(service) ? (service.spec.healthCheckNodePort ?? 0) : 0
  return [...new Set([...portNumbersOf(service), ...(health > 0 ? [health] : [])])]
}

export function needsHealthCheckPort(service: Service): boolean {
  return service.spec.type === 'LoadBalancer' && service.spec.externalTrafficPolicy === 'Local'
}

function hasNodePorts(service: Service): boolean {
  return service.spec.type === 'NodePort' || service.spec.type === 'LoadBalancer'
}

function portNumbersOf(service: Service): readonly number[] {
  if (!hasNodePorts(service)) return []
  return [...new Set((service.spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0).filter((port) => port !== 0))]
}

function takeNodePorts(
  service: Service,
  had: ReadonlySet<number>,
  step: AllocationStep,
): readonly ServicePort[] | AllocationStop {
  const allocates = service.spec.type === 'NodePort' || service.spec.allocateLoadBalancerNodePorts !== false
  const asked = service.spec.ports ?? []
  const mine = new Set(had)
  const byServicePort = new Map<number, { readonly nodePort: number; readonly protocols: Set<string> }>()
  const done: ServicePort[] = []
  // What was asked for goes first, so that a chosen number cannot take it away.
  for (const [i, port] of asked.entries()) {
    const wish = port.nodePort ?? 0
    if (wish === 0) continue
    const protocol = port.protocol ?? 'TCP'
    if (!mine.has(wish)) {
      const problem = step.ports.allocate(wish, step.owner)
      if (problem !== undefined) {
        return { errors: [invalid(`spec.ports[${i}].nodePort`, wish, problemText(problem, step.ports))] }
      }
      step.transaction.taken(() => step.ports.release(wish, step.owner))
      mine.add(wish)
    }
    const entry = byServicePort.get(port.port)
    if (entry === undefined) byServicePort.set(port.port, { nodePort: wish, protocols: new Set([protocol]) })
    else if (entry.nodePort === wish) entry.protocols.add(protocol)
  }
  for (const port of asked) {
    const wish = port.nodePort ?? 0
    const protocol = port.protocol ?? 'TCP'
    if (wish !== 0 || !allocates) {
      done.push(port)
      continue
    }
    const shared = byServicePort.get(port.port)
    if (shared !== undefined && !shared.protocols.has(protocol)) {
      shared.protocols.add(protocol)
      done.push({ ...port, nodePort: shared.nodePort })
      continue
    }
    const nodePort = step.ports.allocateNext(step.owner)
    if (nodePort === undefined) return { failure: 'failed to allocate a nodePort: range is full' }
    step.transaction.taken(() => step.ports.release(nodePort, step.owner))
    if (shared === undefined) byServicePort.set(port.port, { nodePort, protocols: new Set([protocol]) })
    done.push({ ...port, nodePort })
  }
  return done
}

function takeHealthCheckPort(
  service: Service,
  old: Service | undefined,
  step: AllocationStep,
): Service | AllocationStop {
  const needed = old !== undefined && needsHealthCheckPort(old)
  const before = old?.spec.healthCheckNodePort ?? 0
  if (!needsHealthCheckPort(service)) {
    if (needed && before > 0) step.transaction.releaseLater(() => step.ports.release(before, step.owner))
    return service
  }
  const wish = service.spec.healthCheckNodePort ?? 0
  if (needed && wish === before && before > 0) return service
  if (wish === 0) {
    const port = step.ports.allocateNext(step.owner)
    if (port === undefined) return { failure: 'failed to allocate a HealthCheck NodePort: range is full' }
    step.transaction.taken(() => step.ports.release(port, step.owner))
    return { ...service, spec: { ...service.spec, healthCheckNodePort: port } }
  }
  const problem = step.ports.allocate(wish, step.owner)
  if (problem !== undefined) {
    const text = problemText(problem, step.ports)
    return { failure: `failed to allocate requested HealthCheck NodePort ${wish}: ${text}` }
  }
  step.transaction.taken(() => step.ports.release(wish, step.owner))
  return service
}

function problemText(problem: 'out-of-range' | 'taken' | 'full', ports: PortAllocator): string {
  if (problem === 'taken') return 'provided port is already allocated'
  const { first, last } = ports.range
  return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`
}

function isPorts(value: readonly ServicePort[] | AllocationStop): value is readonly ServicePort[] {
  return Array.isArray(value)
}
