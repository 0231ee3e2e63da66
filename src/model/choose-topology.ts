/**
 * Which topology hints hold for a port (EP-9, EP-10; kube-proxy pkg/proxy/topology.go, KEP-2433, KEP-4444).
 *
 * Only ready endpoints vote: a hint kind counts when every one of them carries it and at least one names this place.
 */
import type { NodeFacts } from './node-facts.ts'
import type { EndpointModel, RefusalReason, TopologyMode } from './types.ts'

export function chooseTopology(pool: readonly EndpointModel[], node: NodeFacts): TopologyMode {
  const ready = pool.filter((endpoint) => endpoint.ready)
  if (ready.length === 0) return { kind: 'none', because: 'no-ready-endpoint' }
  if (ready.every((endpoint) => endpoint.nodeHints.length === 0 && endpoint.zoneHints.length === 0)) {
    return { kind: 'none', because: 'no-hints' }
  }
  const nodeHinted = ready.every((endpoint) => endpoint.nodeHints.length > 0)
  if (nodeHinted && node.name !== '' && ready.some((endpoint) => endpoint.nodeHints.includes(node.name))) {
    return { kind: 'same-node' }
  }
  const { zone } = node
  const zoneHinted = ready.every((endpoint) => endpoint.zoneHints.length > 0)
  if (zoneHinted && zone !== undefined && ready.some((endpoint) => endpoint.zoneHints.includes(zone))) {
    return { kind: 'same-zone', zone }
  }
  return { kind: 'none', because: nodeHinted || zoneHinted ? 'not-hinted-here' : 'unhinted-endpoint' }
}

/** Undefined: the endpoint passes. */
export function topologyRefusal(
  mode: TopologyMode,
  endpoint: EndpointModel,
  node: NodeFacts,
): RefusalReason | undefined {
  if (mode.kind === 'same-node' && !endpoint.nodeHints.includes(node.name)) {
    return { code: 'hinted-other-node', nodes: endpoint.nodeHints }
  }
  if (mode.kind === 'same-zone' && !endpoint.zoneHints.includes(mode.zone)) {
    return { code: 'other-zone', zones: endpoint.zoneHints }
  }
  return undefined
}
