/**
 * One service's claims. A port without affinity needs map elements only: what to do with each frontend, and one element a
 * frontend and endpoint. Pure; everything it needs is in the plan.
 */
import type { Destination, NodePlan, Outcome, ServicePlan, ServicePortPlan } from '#dataplane'
import type { NftElement } from '#rulesets/nftables'
import { claim, type PortScope } from './claims.ts'
import type { FrontendKind, Spread } from './names.ts'
import {
  CLUSTER_IPS,
  EXTERNAL_LOCAL,
  FIREWALL_IPS,
  FRONTEND_MAPS,
  HAIRPINS,
  NO_ENDPOINT_NODEPORTS,
  NO_ENDPOINT_SERVICES,
  portNames,
  REJECT,
  spreadChain,
} from './names.ts'
import type { ClaimKey, Fragment, Item } from './program.ts'
import { claimStickyChains } from './render-affinity.ts'
import { DROP, element, goto, match, RETURN, rule, sourceField } from './rule-parts.ts'
import { spreadRules } from './spread-rules.ts'

export function renderService(plan: ServicePlan, node: NodePlan): Fragment {
  const claims = new Map<ClaimKey, Item[]>()
  for (const port of plan.ports) {
    const scope: PortScope = { claims, port, node, names: portNames(port.name, port.protocol) }
    claimClusterIp(scope)
    for (const address of port.externalIPs) claimExternal(scope, addressOf(port, address))
    for (const address of port.virtualIPs) {
      claimExternal(scope, addressOf(port, address))
      claimFirewall(scope, address)
    }
    if (port.nodePort !== undefined) claimExternal(scope, nodePortOf(port, port.nodePort))
    if (port.affinitySeconds !== undefined) claimStickyChains(scope)
    claimHairpins(scope)
  }
  return claims
}

/** A way into a service: its elements' key, and the claim they belong to. */
type Frontend = { readonly kind: FrontendKind; readonly claim: ClaimKey; readonly key: readonly string[] }

function addressOf(port: ServicePortPlan, address: string): Frontend {
  const key = [address, port.protocol, String(port.servicePort)]
  return { kind: 'service', claim: `frontend ${key.join(' ')}`, key }
}

function nodePortOf(port: ServicePortPlan, nodePort: number): Frontend {
  const key = [port.protocol, String(nodePort)]
  return { kind: 'nodeport', claim: `node-port ${key.join(' ')}`, key }
}

function claimClusterIp(scope: PortScope): void {
  const { claims, port } = scope
  const address = `cluster-ip ${port.clusterIP}`
  if (!claims.has(address)) claim(claims, address, elementItem(CLUSTER_IPS, element([port.clusterIP])))
  const frontend = addressOf(port, port.clusterIP)
  const { entry, endpoints } = FRONTEND_MAPS.service
  claimRefusal(scope, frontend, port.internal)
  if (port.internal.kind !== 'forward') return
  const { list } = port.internal
  if (port.affinitySeconds === undefined) {
    claimSpread(scope, frontend, { verdictMap: entry, spread: 'plain', endpoints, list: listOf(port, list) })
  } else {
    lead(scope, frontend, { map: entry, chain: list === 'cluster' ? scope.names.service : scope.names.local })
  }
}

function claimExternal(scope: PortScope, frontend: Frontend): void {
  const { port, names } = scope
  const maps = FRONTEND_MAPS[frontend.kind]
  if (port.external === undefined) return
  claimRefusal(scope, frontend, port.external)
  if (port.external.kind === 'reject') return
  const sticky = port.affinitySeconds !== undefined
  if (port.externalSources === 'everyone') {
    if (port.external.kind !== 'forward') return
    if (sticky) lead(scope, frontend, { map: maps.entry, chain: names.external })
    else {
      const spread = { verdictMap: maps.entry, spread: 'masquerade', endpoints: maps.endpoints } as const
      claimSpread(scope, frontend, { ...spread, list: listOf(port, port.external.list) })
    }
    return
  }
  lead(scope, frontend, { map: maps.entry, chain: EXTERNAL_LOCAL[frontend.kind] })
  const local = port.external.kind === 'forward'
  if (sticky) {
    if (port.clusterDestinations.length > 0) lead(scope, frontend, { map: maps.shortCircuit, chain: names.service })
    if (local) lead(scope, frontend, { map: maps.local, chain: names.local })
    return
  }
  claimSpread(scope, frontend, {
    verdictMap: maps.shortCircuit,
    spread: 'plain',
    endpoints: maps.endpoints,
    list: port.clusterDestinations,
  })
  if (!local) return
  claimSpread(scope, frontend, {
    verdictMap: maps.local,
    spread: 'local',
    endpoints: maps.localEndpoints,
    list: port.localDestinations,
  })
}

type Spreading = {
  readonly verdictMap: string
  readonly spread: Spread
  readonly endpoints: string
  readonly list: readonly Destination[]
}

/** The frontend to the chain for as many endpoints as it has, and its slots, dense and in order of the endpoints. */
function claimSpread(scope: PortScope, frontend: Frontend, { verdictMap, spread, endpoints, list }: Spreading): void {
  if (list.length === 0) return
  const { claims, node } = scope
  const chain = spreadChain(frontend.kind, spread, list.length)
  lead(scope, frontend, { map: verdictMap, chain })
  if (!claims.has(`chain ${chain}`)) {
    const rules = spreadRules(frontend.kind, spread, { count: list.length, node })
    claim(claims, `chain ${chain}`, { kind: 'chain', name: chain, rules })
  }
  const slots = list.map(({ address, port }, slot) =>
    elementItem(endpoints, element([...frontend.key, String(slot)], [address, String(port)])),
  )
  claim(claims, frontend.claim, ...slots)
}

function lead(
  { claims, port }: PortScope,
  frontend: Frontend,
  { map, chain }: { readonly map: string; readonly chain: string },
): void {
  claim(claims, frontend.claim, elementItem(map, element(frontend.key, goto(chain), port.name)))
}

/** EP-15..EP-17: what is left untranslated meets its end here. */
function claimRefusal({ claims, port }: PortScope, frontend: Frontend, outcome: Outcome): void {
  if (outcome.kind === 'forward') return
  const map = frontend.kind === 'service' ? NO_ENDPOINT_SERVICES : NO_ENDPOINT_NODEPORTS
  const end = outcome.kind === 'reject' ? goto(REJECT) : ({ verdict: 'drop' } as const)
  claim(claims, frontend.claim, elementItem(map, element(frontend.key, end, port.name)))
}

/** NFT-16: with or without endpoints, before any translation. */
function claimFirewall({ claims, port, node, names }: PortScope, address: string): void {
  if (port.sourceRanges.length === 0) return
  const { key, claim: place } = addressOf(port, address)
  claim(claims, place, elementItem(FIREWALL_IPS, element(key, goto(names.firewall), port.name)))
  const chain = `chain ${names.firewall}`
  if (claims.has(chain)) return
  const sources = [...new Set([...port.sourceRanges, ...(port.allowVirtualIPSources ? port.virtualIPs : [])])]
  const source = sourceField(node.family)
  const rules = [...sources.map((range) => rule(match(source, range), RETURN)), rule(DROP)]
  claim(claims, chain, { kind: 'chain', name: names.firewall, rules })
}

/** TG-18: pods of this node that may meet themselves. */
function claimHairpins({ claims, port }: PortScope): void {
  for (const { address, local, port: targetPort } of port.reachable) {
    if (!local) continue
    const key = [address, address, port.protocol, String(targetPort)]
    const place = `hairpin ${key.join(' ')}`
    if (!claims.has(place)) claim(claims, place, elementItem(HAIRPINS, element(key)))
  }
}

function listOf(port: ServicePortPlan, list: 'cluster' | 'local'): readonly Destination[] {
  return list === 'cluster' ? port.clusterDestinations : port.localDestinations
}

function elementItem(set: string, of: NftElement): Item {
  return { kind: 'element', set, element: of }
}
