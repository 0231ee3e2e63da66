/**
 * Makes the topology real, inside the sandbox: namespaces, bridge, links, addresses, routes and forwarding. One `ip -batch`
 * in the sandbox's own network namespace (the underlay), then one child per host, all at once.
 *
 * The sandbox's first network namespace is the underlay. It holds the bridge and routes pod CIDRs to their nodes, so that
 * ICMP errors find their way back and a packet to nowhere is refused instead of vanishing.
 */
import type { Family } from '#lib'
import type { IpLine, Sysctl } from '#kernel'
import type { LabHost, Topology } from './topology.ts'
import {
  addressAddLine,
  bridgeAddLine,
  configureNetns,
  linkMasterLine,
  linkUpLine,
  netnsAddLine,
  netnsPath,
  readSysctl,
  routeReplaceLine,
  vethAddLine,
} from '#kernel'

import { hostsOf, interfaceAddresses, podRoutes, routesOf } from './topology.ts'

/** Which families this kernel can give to new namespaces. IPv6 may be compiled out or disabled at boot. */
export async function availableFamilies(): Promise<readonly Family[]> {
  const ipv6 = await readSysctl('net/ipv6/conf/all/forwarding')
  return ipv6 === undefined ? ['IPv4'] : ['IPv4', 'IPv6']
}

/** Needs CAP_NET_ADMIN in its network namespace and a writable /run/netns: the inside of `startSandbox`. */
export async function buildNetwork(topology: Topology): Promise<void> {
  const hosts = hostsOf(topology)
  // IPv6 settings of a link are copied from `default` when it is made: they come first.
  await configureNetns({ sysctls: [...hostSysctls(true), ...BRIDGE_SYSCTLS], lines: underlayLines(topology, hosts) })
  await Promise.all(hosts.map((host) => buildHost(topology, host)))
}

async function buildHost(topology: Topology, host: LabHost): Promise<void> {
  const node = topology.nodes.find((candidate) => candidate.name === host.name)
  const ownPods = Object.values(node?.podCidrs ?? {})
  await configureNetns({
    netns: netnsPath(host.netns),
    sysctls: hostSysctls(node !== undefined),
    lines: [
      linkUpLine('lo'),
      linkUpLine('eth0'),
      ...interfaceAddresses(topology, host.addresses).map((cidr) => addressAddLine(cidr, 'eth0')),
      ...routesOf(topology, host).map(({ to, via }) => routeReplaceLine({ to, via, dev: 'eth0' })),
      // An address of ours that no pod has must not follow the default route back to the underlay.
      ...ownPods.map((to) => routeReplaceLine({ to, kind: 'unreachable' })),
    ],
  })
}

function underlayLines(topology: Topology, hosts: readonly LabHost[]): readonly IpLine[] {
  const { bridge } = topology
  return [
    linkUpLine('lo'),
    bridgeAddLine(bridge),
    linkUpLine(bridge),
    ...interfaceAddresses(topology, topology.gateways).map((cidr) => addressAddLine(cidr, bridge)),
    ...hosts.flatMap((host) => [
      netnsAddLine(host.netns),
      vethAddLine(host.port, { name: 'eth0', netns: host.netns }),
      linkMasterLine(host.port, bridge),
      linkUpLine(host.port),
    ]),
    ...podRoutes(topology).map(({ to, via }) => routeReplaceLine({ to, via, dev: bridge })),
  ]
}

/**
 * br_netfilter shows bridged frames to the iptables rules of the bridge's namespace, a second time for each packet. They are
 * other hosts' packets here, and those hosts have rules of their own.
 */
const BRIDGE_SYSCTLS: readonly Sysctl[] = ['iptables', 'ip6tables', 'arptables'].map((tool) => ({
  path: `net/bridge/bridge-nf-call-${tool}`,
  value: '0',
  optional: true,
}))

/**
 * Reverse-path filtering would drop what a rewritten address makes asymmetric; redirects would teach pods routes around the
 * rules; duplicate address detection costs seconds on links that only this file populates.
 */
export function hostSysctls(forward: boolean): readonly Sysctl[] {
  const ipv4 = ['all', 'default'].flatMap((scope): Sysctl[] => [
    { path: `net/ipv4/conf/${scope}/rp_filter`, value: '0' },
    { path: `net/ipv4/conf/${scope}/send_redirects`, value: '0' },
  ])
  const ipv6 = ['all', 'default'].flatMap((scope): Sysctl[] => [
    { path: `net/ipv6/conf/${scope}/disable_ipv6`, value: '0', optional: true },
    { path: `net/ipv6/conf/${scope}/accept_dad`, value: '0', optional: true },
    { path: `net/ipv6/conf/${scope}/accept_ra`, value: '0', optional: true },
    { path: `net/ipv6/conf/${scope}/accept_redirects`, value: '0', optional: true },
  ])
  // A REJECT is an ICMP error, and by default a host sends one a second to each peer: the rest of a burst of refused
  // connections would hang instead.
  const refusals: Sysctl[] = [
    { path: 'net/ipv4/icmp_ratelimit', value: '0' },
    { path: 'net/ipv6/icmp/ratelimit', value: '0', optional: true },
  ]
  const forwarding: Sysctl[] = [
    { path: 'net/ipv4/ip_forward', value: '1' },
    { path: 'net/ipv6/conf/all/forwarding', value: '1', optional: true },
  ]
  // Switching ip_forward resets the per-interface settings of RFC 1812, so it goes first.
  return [...(forward ? forwarding : []), ...refusals, ...ipv4, ...ipv6]
}
