/** Topology hints for `spec.trafficDistribution` (endpointslice/trafficdist, KEP-4444 and KEP-3015; api-server.md 15.2). */
import type { Endpoint, Service } from '#api'

const TOPOLOGY_MODES = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints']

/** The endpoint with the hints its Service asks for; without any where it asks for none. */
export function withHints(endpoint: Endpoint, service: Service): Endpoint {
  const { trafficDistribution } = service.spec
  if (trafficDistribution === undefined || endpoint.conditions?.ready !== true || wantsAutomatic(service)) {
    return endpoint
  }
  const { zone, nodeName } = endpoint
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] }
  switch (trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return zone === undefined ? endpoint : { ...endpoint, hints: forZones }
    case 'PreferSameNode':
      return nodeName === undefined ? endpoint : { ...endpoint, hints: { ...forZones, forNodes: [{ name: nodeName }] } }
    default:
      return endpoint
  }
}

/** Those are given to all endpoints together: `share-endpoints.ts`. */
export function wantsAutomatic(service: Service): boolean {
  return TOPOLOGY_MODES.some((key) => service.metadata.annotations?.[key]?.toLowerCase() === 'auto')
}
