/**
 * ServiceModel to intent: what each frontend does with whose packets (EP-14..EP-18, TG-7..TG-23). Pure, one service at a
 * time.
 */
import { cidrContains, compareText, parseCidr } from '#lib'
import type { EndpointModel, ServiceModel, ServicePortModel } from '#model'
import type {
  Destination,
  InternalMasquerade,
  NodePlan,
  Outcome,
  Protocol,
  ServicePlan,
  ServicePortPlan,
} from './types.ts'

/** Undefined: the service has no rules in this family. */
export function planService(model: ServiceModel, node: NodePlan): ServicePlan | undefined {
  const { clusterIP } = model
  if (model.skipped !== undefined || clusterIP === undefined) return undefined
  const { healthCheckNodePort: nodePort, localReadyAddresses: localEndpoints } = model
  return {
    key: model.key,
    family: model.family,
    ports: model.ports.map((port) => planPort({ model, port, clusterIP, node })),
    ...(nodePort === undefined ? {} : { healthCheck: { nodePort, localEndpoints } }),
  }
}

function planPort(from: {
  model: ServiceModel
  port: ServicePortModel
  clusterIP: string
  node: NodePlan
}): ServicePortPlan {
  const { model, port, node } = from
  const cluster = port.clusterEndpoints.map(destinationOf)
  const local = port.localEndpoints.map(destinationOf)
  return {
    name: port.printedName,
    protocol: port.protocol.toLowerCase() as Protocol,
    servicePort: port.servicePort,
    clusterIP: from.clusterIP,
    externalIPs: model.externalIPs,
    virtualIPs: model.virtualIPs,
    ...(port.nodePort === undefined ? {} : { nodePort: port.nodePort }),
    sourceRanges: model.sourceRanges,
    allowVirtualIPSources: rangesHoldNode(model.sourceRanges, node),
    internal: outcomeOf(port, port.internalPolicy),
    ...(port.accessible ? { external: outcomeOf(port, port.externalPolicy) } : {}),
    internalMasquerade: internalMasquerade(node),
    externalSources: port.externalPolicy === 'Local' ? 'short-circuit' : 'everyone',
    clusterDestinations: cluster,
    localDestinations: local,
    reachable: unite(cluster, local),
    ...(model.affinitySeconds === undefined ? {} : { affinitySeconds: model.affinitySeconds }),
    ...(model.healthCheckNodePort === undefined ? {} : { healthCheckNodePort: model.healthCheckNodePort }),
  }
}

function outcomeOf(port: ServicePortModel, policy: 'Cluster' | 'Local'): Outcome {
  if (!port.anyEndpoints) return { kind: 'reject' }
  if (policy === 'Cluster') return { kind: 'forward', list: 'cluster' }
  return port.localEndpoints.length > 0 ? { kind: 'forward', list: 'local' } : { kind: 'drop' }
}

function internalMasquerade(node: NodePlan): InternalMasquerade {
  if (node.masqueradeAll) return 'always'
  return node.localDetector === undefined ? 'never' : 'sources-outside-pods'
}

function rangesHoldNode(ranges: readonly string[], node: NodePlan): boolean {
  const { nodeAddress } = node
  if (nodeAddress === undefined) return false
  return ranges.some((range) => {
    const cidr = parseCidr(range)
    return cidr !== undefined && cidrContains(cidr, nodeAddress)
  })
}

function destinationOf(endpoint: EndpointModel): Destination {
  return { key: endpoint.key, address: endpoint.address, port: endpoint.port, local: endpoint.local }
}

/** Both lists are sorted subsets of one pool. */
function unite(cluster: readonly Destination[], local: readonly Destination[]): readonly Destination[] {
  if (local.length === 0) return cluster
  if (cluster.length === 0) return local
  const byKey = new Map([...cluster, ...local].map((destination) => [destination.key, destination]))
  return [...byKey.values()].sort((a, b) => compareText(a.key, b.key))
}
