/**
 * The sets and maps that all services share, as they are declared (NFT-2), in the order they are filled: what a map leads
 * to is there before it leads there, and an address has its source ranges before it is served.
 */
import type { Family } from '#lib'
import type { NftSetHeader, NftType } from '#rulesets/nftables'
import type { FrontendKind } from './names.ts'
import {
  CLUSTER_IPS,
  FIREWALL_IPS,
  FRONTEND_MAPS,
  HAIRPINS,
  NO_ENDPOINT_NODEPORTS,
  NO_ENDPOINT_SERVICES,
  NODEPORT_IPS,
} from './names.ts'
import { destinationField, frontendKey } from './rule-parts.ts'

export function sharedSets(family: Family): NftSetHeader[] {
  const address: NftType = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'
  const keys: Readonly<Record<FrontendKind, readonly NftType[]>> = {
    service: [address, 'inet_proto', 'inet_service'],
    nodeport: ['inet_proto', 'inet_service'],
  }
  const verdicts = (name: string, kind: FrontendKind, comment: string): NftSetHeader => ({
    name,
    key: keys[kind],
    data: 'verdict',
    comment,
  })
  const endpoints = (name: string, kind: FrontendKind, comment: string): NftSetHeader => {
    const daddr = destinationField(family)
    return {
      name,
      key: [...keys[kind], 'integer'],
      data: [address, 'inet_service'],
      // Only the type of the last part counts; each rule draws below its own number of endpoints.
      typeof: {
        key: [...frontendKey(kind, family), { numgen: 'random', modulus: 65_536 }],
        data: [daddr, 'th dport'],
      },
      comment,
    }
  }
  const { service, nodeport } = FRONTEND_MAPS
  return [
    { name: CLUSTER_IPS, key: [address], comment: 'active cluster IPs' },
    { name: NODEPORT_IPS, key: [address], comment: 'addresses that accept node ports, where they are listed' },
    { name: HAIRPINS, key: [address, address, 'inet_proto', 'inet_service'], comment: 'pods that reach themselves' },
    verdicts(FIREWALL_IPS, 'service', 'load-balancer IPs with source ranges'),
    endpoints(service.endpoints, 'service', 'frontend and slot to endpoint'),
    endpoints(service.localEndpoints, 'service', 'frontend and slot to endpoint of this node'),
    endpoints(nodeport.endpoints, 'nodeport', 'node port and slot to endpoint'),
    endpoints(nodeport.localEndpoints, 'nodeport', 'node port and slot to endpoint of this node'),
    verdicts(service.shortCircuit, 'service', 'external policy Local: for pods and this node'),
    verdicts(service.local, 'service', 'external policy Local: for everybody else'),
    verdicts(nodeport.shortCircuit, 'nodeport', 'external policy Local: for pods and this node'),
    verdicts(nodeport.local, 'nodeport', 'external policy Local: for everybody else'),
    verdicts(NO_ENDPOINT_SERVICES, 'service', 'services without endpoints: reject; without local ones: drop'),
    verdicts(NO_ENDPOINT_NODEPORTS, 'nodeport', 'node ports without endpoints: reject; without local ones: drop'),
    verdicts(service.entry, 'service', 'cluster, external and load-balancer IPs'),
    verdicts(nodeport.entry, 'nodeport', 'node ports'),
  ]
}

const HEADERS: Readonly<Record<Family, ReadonlyMap<string, NftSetHeader>>> = {
  IPv4: byName(sharedSets('IPv4')),
  IPv6: byName(sharedSets('IPv6')),
}

const RANKS = new Map([...HEADERS.IPv4.keys()].map((name, rank) => [name, rank]))

/** Sets are filled in this order, and emptied in the opposite one. */
export function rankOf(set: string): number {
  return RANKS.get(set) ?? 0
}

/** Elements at one place belong to one frontend; any other element has a place of its own. */
export function placeOf(set: string, key: readonly string[]): string {
  const parts = FRONTEND_PARTS.get(set)
  return parts === undefined ? `${set} ${key.join(' ')}` : key.slice(0, parts).join(' ')
}

const FRONTEND_PARTS = new Map(
  [...HEADERS.IPv4.values()].filter(({ data }) => data !== undefined).map(({ name, key }) => [name, partsOf(key)]),
)

/** The key of a frontend is what comes before the slot. */
function partsOf(key: readonly NftType[]): number {
  return key.filter((type) => type !== 'integer').length
}

/** @throws if it is none of the shared ones: a defect. */
export function sharedSet(family: Family, name: string): NftSetHeader {
  const found = HEADERS[family].get(name)
  if (found === undefined) throw new Error(`no shared set is called ${name}`)
  return found
}

function byName(sets: readonly NftSetHeader[]): ReadonlyMap<string, NftSetHeader> {
  return new Map(sets.map((set) => [set.name, set]))
}
