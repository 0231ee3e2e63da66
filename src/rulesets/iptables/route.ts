/** The routing decisions between the hooks, and which tables are asked next because of them. */
import { findWay, type Turned } from '#rulesets/shared'

import type { Flow } from './flow.ts'
import { FORWARD, INPUT, LOOPED_BACK, type Stage } from './hooks.ts'
import type { HostFacts } from './packet.ts'

export type Routed =
  | { readonly kind: 'onwards'; readonly flow: Flow; readonly stages: readonly Stage[] }
  | { readonly kind: 'turned'; readonly away: Turned }

export type RoutingStage = Exclude<Stage['kind'], 'table' | 'deliver'>

export function routeFlow(stage: RoutingStage, flow: Flow, host: HostFacts): Routed {
  const way = findWay(flow, host)
  if (stage === 'loop-back') {
    return way.kind === 'here'
      ? onwards({ ...flow, inInterface: 'lo', outInterface: undefined }, LOOPED_BACK)
      : onwards(flow, [{ kind: 'deliver', to: 'forward' }])
  }
  if (way.kind === 'turned') return way
  switch (stage) {
    case 'route-arrived':
      return onwards(way.flow, way.kind === 'here' ? INPUT : FORWARD)
    case 'route-local':
      return onwards(way.kind === 'here' ? { ...flow, outInterface: 'lo' } : way.flow)
    case 'reroute-local':
      // OUTPUT's tables keep seeing the interface the hook was entered with; only POSTROUTING sees the new one.
      return onwards(flow)
  }
}

function onwards(flow: Flow, stages: readonly Stage[] = []): Routed {
  return { kind: 'onwards', flow, stages }
}
