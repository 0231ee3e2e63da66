/** The routing decisions between the hooks, from the facts the host gives. */
import type { Flow } from './flow.ts'
import { FORWARD, INPUT, LOOPED_BACK, type Stage } from './hooks.ts'
import type { HostFacts } from './packet.ts'

export type Turned = { readonly verdict: 'dropped' | 'rejected'; readonly rejectedWith?: string }

export type Routed =
  | { readonly kind: 'onwards'; readonly flow: Flow; readonly stages: readonly Stage[] }
  | { readonly kind: 'turned'; readonly away: Turned }

export type RoutingStage = Exclude<Stage['kind'], 'table' | 'deliver'>

export function routeFlow(stage: RoutingStage, flow: Flow, host: HostFacts): Routed {
  const here = isForThisHost(flow, host)
  switch (stage) {
    case 'route-arrived':
      return here ? onwards(flow, INPUT) : routeOut(flow, host, FORWARD)
    case 'route-local':
      return here ? onwards({ ...flow, outInterface: 'lo' }) : routeOut(flow, host)
    case 'reroute-local': {
      const routed = here ? onwards(flow) : routeOut(flow, host)
      // OUTPUT's tables keep seeing the interface the hook was entered with; only POSTROUTING sees the new one.
      return routed.kind === 'turned' ? routed : onwards(flow)
    }
    case 'loop-back':
      return here
        ? onwards({ ...flow, inInterface: 'lo', outInterface: undefined }, LOOPED_BACK)
        : onwards(flow, [{ kind: 'deliver', to: 'forward' }])
  }
}

function routeOut(flow: Flow, host: HostFacts, stages: readonly Stage[] = []): Routed {
  const away = turnedBy(flow, host)
  if (away !== undefined) return { kind: 'turned', away }
  const route = host.route(flow.packet.destination)
  if (route === undefined) return { kind: 'turned', away: { verdict: 'rejected', rejectedWith: noRoute(flow) } }
  return onwards({ ...flow, outInterface: route.outInterface }, stages)
}

function onwards(flow: Flow, stages: readonly Stage[] = []): Routed {
  return { kind: 'onwards', flow, stages }
}

function isForThisHost({ packet }: Flow, host: HostFacts): boolean {
  return /^(?:LOCAL|BROADCAST|ANYCAST|MULTICAST)$/.test(host.addressType(packet.destination))
}

/** Routes that exist to turn packets away (ip_error, ip6_pkt_discard, ip6_pkt_prohibit). */
function turnedBy(flow: Flow, host: HostFacts): Turned | undefined {
  const v4 = flow.packet.family === 'IPv4'
  switch (host.addressType(flow.packet.destination)) {
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

function noRoute({ packet }: Flow): string {
  return packet.family === 'IPv4' ? 'icmp-net-unreachable' : 'icmp6-no-route'
}
