/**
 * Every name, address and route of the box, from its size alone. Pure: the network is built from this value, and whoever
 * wants to know where something is asks it instead of the kernel.
 *
 * One L2 underlay; nodes, control plane and client hang on it as hosts would on a switch. Pods are routed, not bridged:
 * each node routes its own pods by host routes and the others' pod CIDRs via their nodes, as a cloud's route table does.
 */
import type { Family } from '#lib'
import { SignalboxError } from '#lib'

export type Addresses = Readonly<Partial<Record<Family, string>>>

/** Something that hangs on the underlay: a network namespace with one interface, eth0. */
export type LabHost = {
  readonly name: string
  /** Name below /run/netns. */
  readonly netns: string
  /** The bridge's port that leads to it. */
  readonly port: string
  readonly addresses: Addresses
}

export type LabNode = LabHost & {
  readonly index: number
  readonly podCidrs: Addresses
  /** What its pods use as default gateway; held by the node's end of every pod link. */
  readonly podGateways: Addresses
}

export type LabRoute = { readonly to: string; readonly via: string }

export type Topology = {
  readonly families: readonly Family[]
  readonly bridge: string
  readonly underlayCidrs: Addresses
  /** The bridge's own addresses, in the sandbox's first network namespace: hosts' default gateway, where relays dial from. */
  readonly gateways: Addresses
  readonly controlPlane: LabHost
  /** A machine outside the cluster. It knows node addresses and nothing behind them. */
  readonly client: LabHost
  readonly nodes: readonly LabNode[]
  readonly clusterCidrs: Addresses
  readonly serviceCidrs: Addresses
  readonly dnsAddress: string
  readonly apiPort: number
  readonly clusterDomain: string
}

export type TopologyOptions = { readonly nodes: number; readonly families: readonly Family[] }

/** .11 to .99 are nodes, .100 is the client. */
export const MAX_NODES = 89

/** @throws SBX_LAB_SIZE for a number of nodes that the address plan has no room for */
export function planTopology(options: TopologyOptions): Topology {
  const { nodes, families } = options
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NODES) {
    throw new SignalboxError('SBX_LAB_SIZE', `a box has 1 to ${MAX_NODES} nodes, not ${nodes}`)
  }
  const pick = (all: Required<Addresses>): Addresses =>
    Object.fromEntries(families.map((family) => [family, all[family]]))
  const host = (name: string, number: number): LabHost => ({
    name,
    netns: name,
    port: `u-${name}`.slice(0, 15),
    addresses: pick({ IPv4: `172.18.0.${number}`, IPv6: `fd00:172:18::${number}` }),
  })
  const node = (index: number): LabNode => ({
    ...host(`node-${index}`, 10 + index),
    index,
    podCidrs: pick({ IPv4: `10.244.${index}.0/24`, IPv6: `fd00:10:244:${index}::/64` }),
    podGateways: pick({ IPv4: `10.244.${index}.1`, IPv6: 'fe80::1' }),
  })
  return {
    families,
    bridge: 'underlay',
    underlayCidrs: pick({ IPv4: '172.18.0.0/24', IPv6: 'fd00:172:18::/64' }),
    gateways: pick({ IPv4: '172.18.0.1', IPv6: 'fd00:172:18::1' }),
    controlPlane: host('control-plane', 10),
    client: host('client', 100),
    nodes: Array.from({ length: nodes }, (_, i) => node(i + 1)),
    clusterCidrs: pick({ IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/56' }),
    serviceCidrs: pick({ IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' }),
    dnsAddress: families.includes('IPv4') ? '10.96.0.10' : 'fd00:10:96::a',
    apiPort: 6443,
    clusterDomain: 'cluster.local',
  }
}

export function hostsOf(topology: Topology): readonly LabHost[] {
  return [topology.controlPlane, ...topology.nodes, topology.client]
}

/** Routes beyond the link's own. The client has none: what it cannot reach by a node's address it cannot reach. */
export function routesOf(topology: Topology, host: LabHost): readonly LabRoute[] {
  if (host.name === topology.client.name) return []
  return [
    ...podRoutes(topology).filter((route) => !Object.values(host.addresses).includes(route.via)),
    // A packet to a virtual address needs a route before the kernel asks the rules that rewrite it (nat OUTPUT runs
    // after routing), so nodes have a default route although nothing lies behind it.
    ...topology.families.map((family) => ({ to: anyOf(family), via: address(topology.gateways, family) })),
  ]
}

/** Each node's pod CIDRs via that node. */
export function podRoutes(topology: Topology): readonly LabRoute[] {
  return topology.nodes.flatMap((node) =>
    topology.families.map((family) => ({ to: address(node.podCidrs, family), via: address(node.addresses, family) })),
  )
}

/** `address/length` of a host on the underlay. */
export function interfaceAddresses(topology: Topology, addresses: Addresses): readonly string[] {
  return topology.families.map((family) => {
    const cidr = address(topology.underlayCidrs, family)
    return `${address(addresses, family)}${cidr.slice(cidr.indexOf('/'))}`
  })
}

function anyOf(family: Family): string {
  return family === 'IPv4' ? '0.0.0.0/0' : '::/0'
}

function address(addresses: Addresses, family: Family): string {
  const found = addresses[family]
  if (found === undefined) throw new Error(`the topology has no ${family} address here`)
  return found
}
