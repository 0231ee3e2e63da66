/**
 * Session affinity (TG-32..TG-34, NFT-14, NFT-15): the one thing that needs chains and sets of a port's own. Each endpoint
 * has a set of the clients pinned to it, shared by all frontends of the port; a chain asks the sets first and draws only
 * for clients in none.
 */
import type { Destination } from '#dataplane'
import type { NftRule, NftSetHeader, NftStatement } from '#rulesets/nftables'
import { claim, type PortScope } from './claims.ts'
import { goto, isIn, markForMasquerade, match, rule, sourceField } from './rule-parts.ts'

/** Clients an endpoint can have; what nft itself gives a dynamic set, and says when it lists one. */
const CLIENTS = 65_535

export function claimStickyChains(scope: PortScope): void {
  const { claims, port, node, names } = scope
  const { clusterDestinations, localDestinations, external, externalSources, internal } = port
  const chain = (name: string, rules: readonly NftRule[]): void =>
    claim(claims, `chain ${name}`, { kind: 'chain', name, rules })
  const everyone = external?.kind === 'forward' && externalSources === 'everyone'
  const usesCluster =
    (internal.kind === 'forward' && internal.list === 'cluster') ||
    everyone ||
    (external !== undefined && external.kind !== 'reject' && externalSources === 'short-circuit')
  const usesLocal =
    (internal.kind === 'forward' && internal.list === 'local') ||
    (external?.kind === 'forward' && externalSources === 'short-circuit')

  if (usesCluster && clusterDestinations.length > 0) chain(names.service, stickyRules(scope, clusterDestinations))
  if (usesLocal && localDestinations.length > 0) chain(names.local, stickyRules(scope, localDestinations))
  if (everyone) {
    chain(names.external, [rule(markForMasquerade(node.masqueradeMark), { kind: 'verdict', ...goto(names.service) })])
  }
  for (const destination of port.reachable) {
    const set = affinitySet(scope, destination)
    claim(claims, `set ${set.name}`, { kind: 'set', set })
    chain(names.endpoint(destination.key), [endpointRule(scope, destination)])
  }
}

function stickyRules({ node, names }: PortScope, list: readonly Destination[]): NftRule[] {
  const source = sourceField(node.family)
  const to = (destination: Destination) => goto(names.endpoint(destination.key))
  const pins = list.map((destination) =>
    rule(isIn([source], names.affinity(destination.key)), { kind: 'verdict', ...to(destination) }),
  )
  const draw: NftStatement = {
    kind: 'vmap',
    key: [{ numgen: 'random', modulus: list.length }],
    map: { elements: list.map((destination, slot) => ({ key: [String(slot)], data: to(destination) })) },
  }
  return [...pins, rule(draw)]
}

/** The timeout stands in the rule, where it can be changed without touching the set and whom it holds (CC-91). */
function endpointRule({ port, node, names }: PortScope, destination: Destination): NftRule {
  return rule(
    {
      kind: 'update',
      set: names.affinity(destination.key),
      key: [sourceField(node.family)],
      timeout: (port.affinitySeconds ?? 0) * 1000,
    },
    match('meta l4proto', port.protocol),
    { kind: 'dnat', to: { address: destination.address, port: destination.port } },
  )
}

function affinitySet({ node, names }: PortScope, destination: Destination): NftSetHeader {
  return {
    name: names.affinity(destination.key),
    key: [node.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'],
    flags: ['dynamic', 'timeout'],
    size: CLIENTS,
  }
}
