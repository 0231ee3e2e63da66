/** From a list to one endpoint: SVC and SVL spread, pin and mark; each SEP masquerades a hairpin and translates. */
import type { Destination, NodePlan, ServicePortPlan } from '#dataplane'
import type { Match, Rule } from '#rulesets/iptables'
import type { PortChains } from './names.ts'
import { endpointChain, KUBE_MARK_MASQ } from './names.ts'
import { comment, frontend, fromSource, hostCidr, jump, oneIn, podSource, protocolIs, rule } from './rule-parts.ts'

export type EndpointChainsInput = {
  readonly port: ServicePortPlan
  readonly names: PortChains
  readonly node: NodePlan
  /** Filled. */
  readonly chains: Map<string, readonly Rule[]>
}

/** IPT-29: a chain exists only for a list that something can reach. */
export function renderEndpointChains({ port, names, node, chains }: EndpointChainsInput): void {
  const seps = new Map(port.reachable.map(({ key }) => [key, endpointChain(port.name, port.protocol, key)]))
  const sepOf = (destination: Destination): string => seps.get(destination.key) ?? ''
  const lists = [
    { list: 'cluster', chain: names.svc, destinations: port.clusterDestinations },
    { list: 'local', chain: names.svl, destinations: port.localDestinations },
  ] as const
  for (const { list, chain, destinations } of lists) {
    if (destinations.length === 0) continue
    const isInternal = port.internal.kind === 'forward' && port.internal.list === list
    chains.set(chain, [...(isInternal ? internalHead(port, node) : []), ...spread(port, destinations, sepOf)])
  }
  const serviceComment = comment(port.name)
  for (const destination of port.reachable) {
    chains.set(sepOf(destination), endpointRules(port, destination, { chain: sepOf(destination), serviceComment }))
  }
}

/** IPT-19. */
function internalHead(port: ServicePortPlan, node: NodePlan): Rule[] {
  if (port.internalMasquerade === 'never') return []
  const outside =
    port.internalMasquerade === 'always' || node.localDetector === undefined
      ? undefined
      : podSource(node.localDetector, true)
  const [destination, ...rest] = frontend(port, port.clusterIP, `${port.name} cluster IP`)
  // iptables prints source, destination, interface, protocol, in this order.
  const detector = outside === undefined ? [] : [outside]
  const matches = outside?.kind === 'source' ? [outside, destination, ...rest] : [destination, ...detector, ...rest]
  return [rule(matches, jump(KUBE_MARK_MASQ))]
}

/** IPT-25, IPT-26: first those who were here before, then one in n, one in n-1, … and the last for the rest. */
function spread(
  port: ServicePortPlan,
  destinations: readonly Destination[],
  sepOf: (destination: Destination) => string,
): Rule[] {
  const steps = destinations.map((destination) => ({
    text: comment(`${port.name} -> ${destination.key}`),
    target: jump(sepOf(destination)),
    chain: sepOf(destination),
  }))
  const seconds = port.affinitySeconds
  const pins =
    seconds === undefined
      ? []
      : steps.map(({ text, target, chain }) =>
          rule([text, { ...recent(chain, port.clusterIP), action: 'rcheck', seconds, reap: true }], target),
        )
  const chances = steps.map(({ text, target }, index) => {
    const left = steps.length - index
    return rule(left > 1 ? [text, oneIn(left)] : [text], target)
  })
  return [...pins, ...chances]
}

/** IPT-28. */
function endpointRules(
  port: ServicePortPlan,
  destination: Destination,
  shared: { readonly chain: string; readonly serviceComment: Match },
): Rule[] {
  const { chain, serviceComment } = shared
  const pin: Match[] =
    port.affinitySeconds === undefined ? [] : [{ ...recent(chain, destination.address), action: 'set' }]
  return [
    rule([fromSource(hostCidr(destination.address)), serviceComment], jump(KUBE_MARK_MASQ)),
    rule([protocolIs(port.protocol), serviceComment, ...pin, bareProtocolModule(port)], {
      kind: 'dnat',
      to: destination.key,
    }),
  ]
}

/** The list is named like its chain; `--mask` is printed in full by iptables-save. */
function recent(list: string, likeAddress: string): { kind: 'recent'; list: string; side: 'source'; mask: string } {
  const mask = likeAddress.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255'
  return { kind: 'recent', list, side: 'source', mask }
}

/** kube-proxy names `-m tcp` without an option here, and iptables keeps it. */
function bareProtocolModule(port: ServicePortPlan): Match {
  return { kind: 'other', module: port.protocol, arguments: [] }
}
