/** The routing decisions between the hooks, and the addresses that follow from them, from the facts the host gives. */
import { canonicalAddress } from '#lib'

import type { BaseFlow } from './flow.ts'
import type { Endpoint } from './outcome.ts'
import type { HostFacts } from './packet.ts'

export type Turned = { readonly verdict: 'dropped' | 'rejected'; readonly rejectedWith?: string }

export type Way<Flow> =
  | { readonly kind: 'here'; readonly flow: Flow }
  | { readonly kind: 'out'; readonly flow: Flow }
  | { readonly kind: 'turned'; readonly away: Turned }

/** Where the flow's packet goes now: to this host, out by an interface (`flow.outInterface`), or nowhere. */
export function findWay<Flow extends BaseFlow<unknown>>(flow: Flow, host: HostFacts): Way<Flow> {
  if (isForThisHost(flow, host)) return { kind: 'here', flow }
  const away = turnedBy(flow, host)
  if (away !== undefined) return { kind: 'turned', away }
  const route = host.route(flow.packet.destination)
  if (route === undefined) return { kind: 'turned', away: { verdict: 'rejected', rejectedWith: noRoute(flow) } }
  return { kind: 'out', flow: { ...flow, outInterface: route.outInterface } }
}

/** Masquerading takes the address the kernel would use itself towards the destination (nf_nat_masquerade). */
export function masqueradeEndpoint({ packet }: BaseFlow<unknown>, host: HostFacts): Endpoint | string {
  const route = host.route(packet.destination)
  if (route === undefined) return `no route tells which address packets to ${packet.destination} leave from`
  return { address: canonicalAddress(route.source) ?? route.source, port: packet.sourcePort }
}

/** Redirection goes to loopback for packets of this host, else to the interface they came in by (nf_nat_redirect). */
export function redirectAddress(flow: BaseFlow<unknown>, host: HostFacts): string | undefined {
  const loopback = flow.packet.family === 'IPv4' ? '127.0.0.1' : '::1'
  return flow.packet.origin === 'local' ? loopback : host.interfaceAddress?.(flow.inInterface ?? '')
}

function isForThisHost({ packet }: BaseFlow<unknown>, host: HostFacts): boolean {
  return /^(?:LOCAL|BROADCAST|ANYCAST|MULTICAST)$/.test(host.addressType(packet.destination))
}

/** Routes that exist to turn packets away (ip_error, ip6_pkt_discard, ip6_pkt_prohibit). */
function turnedBy({ packet }: BaseFlow<unknown>, host: HostFacts): Turned | undefined {
  const v4 = packet.family === 'IPv4'
  switch (host.addressType(packet.destination)) {
    case 'BLACKHOLE':
      return { verdict: 'dropped' }
    case 'UNREACHABLE':
      return { verdict: 'rejected', rejectedWith: v4 ? 'icmp-host-unreachable' : 'icmp6-no-route' }
    case 'PROHIBIT':
      return { verdict: 'rejected', rejectedWith: v4 ? 'icmp-admin-prohibited' : 'icmp6-adm-prohibited' }
    case 'UNSPEC':
    case 'UNICAST':
    case 'LOCAL':
    case 'BROADCAST':
    case 'ANYCAST':
    case 'MULTICAST':
      return undefined
  }
}

function noRoute({ packet }: BaseFlow<unknown>): string {
  return packet.family === 'IPv4' ? 'icmp-net-unreachable' : 'icmp6-no-route'
}
