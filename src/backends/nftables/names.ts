/**
 * Names of what this mode writes. The table is our own, so that kube-proxy's may stand beside it; inside it, what kube-proxy
 * has too is called what kube-proxy calls it (NFT-2, NFT-4; kube-proxy pkg/proxy/nftables/proxier.go).
 */
import type { Protocol } from '#dataplane'
import type { Family } from '#lib'
import { base32Hash } from '#lib'
import type { NftFamily } from '#rulesets/nftables'

export const TABLE = 'signalbox'
export const TABLE_COMMENT = 'Kubernetes Services, kept by Signalbox'

export function nftFamily(family: Family): NftFamily {
  return family === 'IPv4' ? 'ip' : 'ip6'
}

/** Sets and maps that all services share. */
export const CLUSTER_IPS = 'cluster-ips'
export const NODEPORT_IPS = 'nodeport-ips'
export const HAIRPINS = 'hairpin-connections'
export const FIREWALL_IPS = 'firewall-ips'
export const NO_ENDPOINT_SERVICES = 'no-endpoint-services'
export const NO_ENDPOINT_NODEPORTS = 'no-endpoint-nodeports'

/** A frontend is known by address, protocol and port, or, on any accepted address of the node, by protocol and port. */
export type FrontendKind = 'service' | 'nodeport'

/** Maps of one kind of frontend: where to go next (verdicts), and the endpoints themselves. */
export type FrontendMaps = {
  /** First lookup of every new connection. */
  readonly entry: string
  /** Of frontends with external policy Local: where pods and processes of this node go, and where the rest goes. */
  readonly shortCircuit: string
  readonly local: string
  /** Destinations by frontend and slot: the list the frontend forwards to, and beside it the local list. */
  readonly endpoints: string
  readonly localEndpoints: string
}

export const FRONTEND_MAPS: Readonly<Record<FrontendKind, FrontendMaps>> = {
  service: {
    entry: 'service-ips',
    shortCircuit: 'short-circuit-services',
    local: 'local-services',
    endpoints: 'endpoints',
    localEndpoints: 'local-endpoints',
  },
  nodeport: {
    entry: 'service-nodeports',
    shortCircuit: 'short-circuit-nodeports',
    local: 'local-nodeports',
    endpoints: 'nodeport-endpoints',
    localEndpoints: 'nodeport-local-endpoints',
  },
}

/** Chains that hold nothing but fixed rules. */
export const SERVICES = 'services'
export const MASQUERADING = 'masquerading'
export const REJECT = 'reject-chain'
export const FIREWALL_CHECK = 'firewall-check'
export const SERVICE_ENDPOINTS_CHECK = 'service-endpoints-check'
export const NODEPORT_ENDPOINTS_CHECK = 'nodeport-endpoints-check'
export const CLUSTER_IPS_CHECK = 'cluster-ips-check'
export const EXTERNAL_LOCAL: Readonly<Record<FrontendKind, string>> = {
  service: 'external-local',
  nodeport: 'nodeport-external-local',
}

/** How a chain that chooses among a number of endpoints does it. */
export type Spread = 'plain' | 'masquerade' | 'local'

/** `spread-3`, `nodeport-spread-masquerade-3`: one chain serves every frontend with that many endpoints. */
export function spreadChain(kind: FrontendKind, spread: Spread, count: number): string {
  const how = spread === 'plain' ? '' : `${spread}-`
  return `${kind === 'nodeport' ? 'nodeport-' : ''}spread-${how}${count}`
}

export type PortNames = {
  /** With affinity: chooses from the cluster list. */
  readonly service: string
  /** With affinity: chooses from the local list. */
  readonly local: string
  /** With affinity: marks for masquerade, then `service`. */
  readonly external: string
  /** Source ranges. */
  readonly firewall: string
  /** With affinity: pins the client, then translates. `destination` is `ip:port`, IPv6 in brackets. */
  endpoint(destination: string): string
  /** With affinity: the clients pinned to that endpoint. */
  affinity(destination: string): string
}

export function portNames(portName: string, protocol: Protocol): PortNames {
  const [service = '', port = ''] = portName.split(':')
  const base = `${service}/${protocol}/${port}`
  const place = (destination: string): string => {
    const at = destination.lastIndexOf(':')
    const address = destination.slice(0, at).replaceAll(/[[\]]/g, '').replaceAll(':', '.')
    return hashed(`${base}__${address}/${destination.slice(at + 1)}`)
  }
  const own = hashed(base)
  return {
    service: `service-${own}`,
    local: `local-${own}`,
    external: `external-${own}`,
    firewall: `firewall-${own}`,
    endpoint: (destination) => `endpoint-${place(destination)}`,
    affinity: (destination) => `affinity-${place(destination)}`,
  }
}

const HASH_LENGTH = 8
const LONGEST = 240

/** NFT-4, CC-118: the hash keeps names apart that are cut. */
function hashed(base: string): string {
  const name = `${base32Hash(base, HASH_LENGTH)}-${base}`
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 3)}...` : name
}
