/** What does not depend on services: base chains, and the rules that look them up (NFT-2, NFT-6..NFT-11). */
import type { NodePlan } from '#dataplane'
import type { NftBase, NftChain, NftRule, NftStatement } from '#rulesets/nftables'
import type { FrontendKind } from './names.ts'
import {
  CLUSTER_IPS,
  CLUSTER_IPS_CHECK,
  EXTERNAL_LOCAL,
  FIREWALL_CHECK,
  FIREWALL_IPS,
  FRONTEND_MAPS,
  HAIRPINS,
  MASQUERADING,
  NO_ENDPOINT_NODEPORTS,
  NO_ENDPOINT_SERVICES,
  NODEPORT_ENDPOINTS_CHECK,
  NODEPORT_IPS,
  REJECT,
  SERVICE_ENDPOINTS_CHECK,
  SERVICES,
} from './names.ts'
import type { Static } from './program.ts'
import {
  destinationField,
  DESTINATION_IS_LOCAL,
  DROP,
  element,
  follow,
  frontendKey,
  isIn,
  jump,
  markForMasquerade,
  MASQUERADE,
  match,
  NEW,
  notLoopback,
  podSource,
  rule,
  SOURCE_IS_LOCAL,
  sourceField,
} from './rule-parts.ts'
import { sharedSets } from './sets.ts'

export function renderStatic(node: NodePlan): Static {
  const accepted = node.nodePortAddresses
  return {
    sets: sharedSets(node.family),
    elements:
      accepted.kind === 'listed'
        ? accepted.addresses
            .filter((address) => !isLoopback(address))
            .map((address) => ({ set: NODEPORT_IPS, element: element([address]) }))
        : [],
    chains: [
      ...regularChains(node),
      base('filter-prerouting-pre-dnat', filter('prerouting', -110), rule(NEW, jump(FIREWALL_CHECK))),
      base('filter-output-pre-dnat', filter('output', -110), rule(NEW, jump(FIREWALL_CHECK))),
      base(
        'filter-input',
        filter('input', 0),
        rule(NEW, jump(NODEPORT_ENDPOINTS_CHECK)),
        rule(NEW, jump(SERVICE_ENDPOINTS_CHECK)),
      ),
      // What a service says comes before the blanket refusal of its address (NFT-10).
      ...(['forward', 'output'] as const).map((hook) =>
        base(
          `filter-${hook}`,
          filter(hook, 0),
          rule(NEW, jump(SERVICE_ENDPOINTS_CHECK)),
          rule(NEW, jump(CLUSTER_IPS_CHECK)),
        ),
      ),
      base('nat-prerouting', nat('prerouting', -100), rule(jump(SERVICES))),
      base('nat-output', nat('output', -100), rule(jump(SERVICES))),
      base('nat-postrouting', nat('postrouting', 100), rule(jump(MASQUERADING))),
    ],
  }
}

function regularChains(node: NodePlan): NftChain[] {
  const { family } = node
  const frontend = frontendKey('service', family)
  const nodePort = frontendKey('nodeport', family)
  return [
    { name: SERVICES, rules: serviceRules(node) },
    { name: EXTERNAL_LOCAL.service, rules: externalLocalRules('service', node) },
    { name: EXTERNAL_LOCAL.nodeport, rules: externalLocalRules('nodeport', node) },
    { name: MASQUERADING, rules: masqueradingRules(node) },
    { name: FIREWALL_CHECK, rules: [rule(follow(frontend, FIREWALL_IPS))] },
    { name: SERVICE_ENDPOINTS_CHECK, rules: [rule(follow(frontend, NO_ENDPOINT_SERVICES))] },
    {
      name: NODEPORT_ENDPOINTS_CHECK,
      rules: [rule(...acceptedAddress(node, 'input'), follow(nodePort, NO_ENDPOINT_NODEPORTS))],
    },
    { name: CLUSTER_IPS_CHECK, rules: clusterIpRules(node) },
    { name: REJECT, rules: [rule({ kind: 'reject' })] },
  ]
}

/** NFT-6: whose packets to a cluster IP are masqueraded, then addresses, then (TG-3) node ports. */
function serviceRules(node: NodePlan): NftRule[] {
  const { family, localDetector } = node
  const toClusterIp = isIn([destinationField(family)], CLUSTER_IPS)
  const mark = markForMasquerade(node.masqueradeMark)
  const marking = node.masqueradeAll
    ? [rule(toClusterIp, mark)]
    : localDetector === undefined
      ? []
      : [rule(podSource(localDetector, family, true), toClusterIp, mark)]
  return [
    ...marking,
    rule(follow(frontendKey('service', family), FRONTEND_MAPS.service.entry)),
    rule(...acceptedAddress(node, 'nat'), follow(frontendKey('nodeport', family), FRONTEND_MAPS.nodeport.entry)),
  ]
}

/** On the way in every destination is an address of this node already. */
function acceptedAddress(node: NodePlan, where: 'nat' | 'input'): NftStatement[] {
  if (node.nodePortAddresses.kind === 'listed') return [isIn([destinationField(node.family)], NODEPORT_IPS)]
  return [notLoopback(node.family), ...(where === 'nat' ? [DESTINATION_IS_LOCAL] : [])]
}

/** TG-10: pods and this node short-circuit to the cluster list, the latter masqueraded; the rest stays local. */
function externalLocalRules(kind: FrontendKind, node: NodePlan): NftRule[] {
  const { family, localDetector } = node
  const key = frontendKey(kind, family)
  const { shortCircuit, local } = FRONTEND_MAPS[kind]
  return [
    ...(localDetector === undefined ? [] : [rule(podSource(localDetector, family), follow(key, shortCircuit))]),
    rule(SOURCE_IS_LOCAL, markForMasquerade(node.masqueradeMark), follow(key, shortCircuit)),
    rule(follow(key, local)),
  ]
}

/** NFT-7. The mark is taken off before SNAT, because a tunnel's outer packet inherits it (kubernetes #92035). */
function masqueradingRules({ family, masqueradeMark: mark }: NodePlan): NftRule[] {
  const [source, destination] = [sourceField(family), destinationField(family)]
  return [
    rule(
      { kind: 'masked-match', field: 'meta mark', mask: mark, value: mark },
      { kind: 'set-mark', field: 'meta mark', from: 'meta mark', operator: 'xor', value: mark },
      MASQUERADE,
    ),
    rule(match('ct status', 'dnat'), isIn([source, destination, 'meta l4proto', 'th dport'], HAIRPINS), MASQUERADE),
  ]
}

/** NFT-9: any port and protocol of a cluster IP that no service has; addresses that no service has. */
function clusterIpRules({ family, serviceCIDRs }: NodePlan): NftRule[] {
  const destination = destinationField(family)
  return [
    rule(isIn([destination], CLUSTER_IPS), { kind: 'reject' }),
    ...serviceCIDRs.map((cidr) => rule(match(destination, cidr), DROP)),
  ]
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

function filter(hook: NftBase['hook'], priority: number): NftBase {
  return { type: 'filter', hook, priority, policy: 'accept' }
}

function nat(hook: NftBase['hook'], priority: number): NftBase {
  return { type: 'nat', hook, priority, policy: 'accept' }
}

function base(name: string, hooked: NftBase, ...rules: readonly NftRule[]): NftChain {
  return { name, base: hooked, rules }
}
