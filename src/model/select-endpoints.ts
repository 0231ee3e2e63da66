/**
 * The two endpoint lists of one service port and the fate of every endpoint of its pool (EP-2..EP-14; kube-proxy
 * CategorizeEndpoints).
 *
 * Ready endpoints win; only a list that has none falls back to serving-and-terminating ones, so that a rolling update
 * does not black-hole `externalTrafficPolicy: Local` traffic (KEP-1669). The two lists decide independently.
 */
import type { TrafficPolicy } from '#api'
import { chooseTopology, topologyRefusal } from './choose-topology.ts'
import type { NodeFacts } from './node-facts.ts'
import type { EndpointDecision, EndpointModel, TopologyMode, Verdict } from './types.ts'

export type SelectionInput = {
  readonly pool: readonly EndpointModel[]
  readonly node: NodeFacts
  readonly internalPolicy: TrafficPolicy
  readonly externalPolicy: TrafficPolicy
  readonly accessible: boolean
}

export type Selection = {
  readonly topology: TopologyMode
  readonly clusterEndpoints: readonly EndpointModel[]
  readonly localEndpoints: readonly EndpointModel[]
  readonly anyEndpoints: boolean
  readonly decisions: readonly EndpointDecision[]
}

const READY: Verdict = { chosen: true, because: 'ready' }
const FALLBACK: Verdict = { chosen: true, because: 'terminating-fallback' }
const NOT_READY: Verdict = { chosen: false, reason: { code: 'not-ready' } }
const SPARED: Verdict = { chosen: false, reason: { code: 'terminating-unused' } }
const UNUSED: Verdict = { chosen: false, reason: { code: 'list-unused' } }

export function selectEndpoints(input: SelectionInput): Selection {
  const { pool, node } = input
  const usesCluster = input.internalPolicy !== 'Local' || input.accessible
  const usesLocal = input.internalPolicy === 'Local' || (input.externalPolicy === 'Local' && input.accessible)
  const topology = chooseTopology(pool, node)
  const cluster = usesCluster ? clusterVerdicts(pool, topology, node) : pool.map(() => UNUSED)
  const local = usesLocal ? localVerdicts(pool) : pool.map(() => UNUSED)
  const clusterEndpoints = pool.filter((_, index) => cluster[index]?.chosen === true)
  return {
    topology,
    clusterEndpoints,
    localEndpoints: pool.filter((_, index) => local[index]?.chosen === true),
    anyEndpoints: clusterEndpoints.length > 0 || (usesLocal && pool.some(isUsable)),
    decisions: pool.map((endpoint, index) => ({
      endpoint,
      cluster: cluster[index] ?? UNUSED,
      local: local[index] ?? UNUSED,
    })),
  }
}

function clusterVerdicts(pool: readonly EndpointModel[], topology: TopologyMode, node: NodeFacts): Verdict[] {
  const fallback = !pool.some((endpoint) => endpoint.ready)
  return pool.map((endpoint) => {
    if (!endpoint.ready) return notReadyVerdict(endpoint, fallback)
    const reason = topologyRefusal(topology, endpoint, node)
    return reason === undefined ? READY : { chosen: false, reason }
  })
}

function localVerdicts(pool: readonly EndpointModel[]): Verdict[] {
  const fallback = !pool.some((endpoint) => endpoint.local && endpoint.ready)
  return pool.map((endpoint) => {
    if (!endpoint.local) {
      const { nodeName } = endpoint
      return { chosen: false, reason: { code: 'other-node', ...(nodeName === undefined ? {} : { nodeName }) } }
    }
    return endpoint.ready ? READY : notReadyVerdict(endpoint, fallback)
  })
}

function notReadyVerdict(endpoint: EndpointModel, fallback: boolean): Verdict {
  if (!isDraining(endpoint)) return NOT_READY
  return fallback ? FALLBACK : SPARED
}

function isDraining(endpoint: EndpointModel): boolean {
  return endpoint.serving && endpoint.terminating
}

function isUsable(endpoint: EndpointModel): boolean {
  return endpoint.ready || isDraining(endpoint)
}
