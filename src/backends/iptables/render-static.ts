/** The rules that depend on the node alone: jumps (4.2), the mark and masquerade chains, forwarding (IPT-9..IPT-14, IPT-18). */
import type { NodePlan } from '#dataplane'
import type { Match, Rule } from '#rulesets/iptables'
import {
  KUBE_EXTERNAL_SERVICES,
  KUBE_FIREWALL,
  KUBE_FORWARD,
  KUBE_MARK_MASQ,
  KUBE_NODEPORTS,
  KUBE_POSTROUTING,
  KUBE_PROXY_FIREWALL,
  KUBE_SERVICES,
} from './names.ts'
import type { Entry, Static } from './program.ts'
import {
  ACCEPT,
  comment,
  ctstate,
  DESTINATION_IS_LOCAL,
  DROP,
  fromSource,
  hostCidr,
  jump,
  rule,
  toDestination,
} from './rule-parts.ts'

const FORWARDING_RULES = comment('kubernetes forwarding rules')

export function renderStatic(node: NodePlan): Static {
  return {
    chains: [
      { table: 'filter', chain: KUBE_FORWARD, rules: forwardRules(node) },
      { table: 'filter', chain: KUBE_FIREWALL, rules: node.localhostNodePorts ? [LOCALNET_GUARD] : [] },
      { table: 'nat', chain: KUBE_POSTROUTING, rules: postroutingRules(node) },
      { table: 'nat', chain: KUBE_MARK_MASQ, rules: [rule([], setMark(node.masqueradeMark, node.masqueradeMark))] },
    ],
    shared: [
      { table: 'filter', chain: KUBE_SERVICES, tail: [] },
      { table: 'filter', chain: KUBE_EXTERNAL_SERVICES, tail: [] },
      { table: 'filter', chain: KUBE_NODEPORTS, tail: [] },
      { table: 'filter', chain: KUBE_PROXY_FIREWALL, tail: [] },
      { table: 'nat', chain: KUBE_SERVICES, tail: nodePortJumps(node) },
      { table: 'nat', chain: KUBE_NODEPORTS, tail: [] },
    ],
    jumps: JUMPS,
  }
}

/** IPT-12: what lets masqueraded node-port traffic through a FORWARD policy of DROP. */
function forwardRules(node: NodePlan): Rule[] {
  const invalid = rule([ctstate(['INVALID'])], DROP)
  return [
    ...(node.dropInvalid ? [invalid] : []),
    rule([FORWARDING_RULES, markIs(node.masqueradeMark)], ACCEPT),
    rule([comment('kubernetes forwarding conntrack rule'), ctstate(['RELATED', 'ESTABLISHED'])], ACCEPT),
  ]
}

/** IPT-14, the kubelet's rule as well (kubernetes #90259): route_localnet must not open 127/8 to the network. */
const LOCALNET_GUARD = rule(
  [
    fromSource('127.0.0.0/8', true),
    toDestination('127.0.0.0/8'),
    comment('block incoming localnet connections'),
    ctstate(['RELATED', 'ESTABLISHED', 'DNAT'], true),
  ],
  DROP,
)

/** IPT-10: the mark is taken off before SNAT, because a tunnel's outer packet inherits it (kubernetes #92035). */
function postroutingRules(node: NodePlan): Rule[] {
  const mark = node.masqueradeMark
  return [
    rule([markIs(mark, true)], { kind: 'return' }),
    rule([], setMark(mark, 0)),
    rule([comment('kubernetes service traffic requiring SNAT')], { kind: 'masquerade', randomFully: true }),
  ]
}

/** IPT-18: after all IP:port matches have failed (TG-3). */
function nodePortJumps(node: NodePlan): Rule[] {
  const text = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')
  const accepted = node.nodePortAddresses
  if (accepted.kind === 'listed') {
    return accepted.addresses.map((address) => rule([toDestination(hostCidr(address)), text], jump(KUBE_NODEPORTS)))
  }
  const loopback = node.family === 'IPv4' ? '127.0.0.0/8' : '::1/128'
  const except = accepted.loopback ? [] : [toDestination(loopback, true)]
  return [rule([...except, text, DESTINATION_IS_LOCAL], jump(KUBE_NODEPORTS))]
}

function markIs(mark: number, negated = false): Match {
  return negated ? { kind: 'mark', value: mark, mask: mark, negated } : { kind: 'mark', value: mark, mask: mark }
}

function setMark(
  value: number,
  mask: number,
): { readonly kind: 'mark'; readonly value: number; readonly mask: number } {
  return { kind: 'mark', value, mask }
}

const NEW = ctstate(['NEW'])
const EXTERNAL_PORTALS = comment('kubernetes externally-visible service portals')
const SERVICE_PORTALS = comment('kubernetes service portals')
const LOAD_BALANCER_FIREWALL = comment('kubernetes load balancer firewall')

/** Section 4.2, in order of creation. Comments are identity: a downgrade to kube-proxy finds its own rules (IPT-7). */
const JUMPS: readonly Entry[] = [
  jumpFrom('filter', 'INPUT', rule([NEW, EXTERNAL_PORTALS], jump(KUBE_EXTERNAL_SERVICES))),
  jumpFrom('filter', 'FORWARD', rule([NEW, EXTERNAL_PORTALS], jump(KUBE_EXTERNAL_SERVICES))),
  jumpFrom('filter', 'INPUT', rule([comment('kubernetes health check service ports')], jump(KUBE_NODEPORTS))),
  jumpFrom('filter', 'FORWARD', rule([NEW, SERVICE_PORTALS], jump(KUBE_SERVICES))),
  jumpFrom('filter', 'OUTPUT', rule([NEW, SERVICE_PORTALS], jump(KUBE_SERVICES))),
  jumpFrom('filter', 'FORWARD', rule([FORWARDING_RULES], jump(KUBE_FORWARD))),
  jumpFrom('filter', 'INPUT', rule([NEW, LOAD_BALANCER_FIREWALL], jump(KUBE_PROXY_FIREWALL))),
  jumpFrom('filter', 'OUTPUT', rule([NEW, LOAD_BALANCER_FIREWALL], jump(KUBE_PROXY_FIREWALL))),
  jumpFrom('filter', 'FORWARD', rule([NEW, LOAD_BALANCER_FIREWALL], jump(KUBE_PROXY_FIREWALL))),
  jumpFrom('nat', 'OUTPUT', rule([SERVICE_PORTALS], jump(KUBE_SERVICES))),
  jumpFrom('nat', 'PREROUTING', rule([SERVICE_PORTALS], jump(KUBE_SERVICES))),
  jumpFrom('nat', 'POSTROUTING', rule([comment('kubernetes postrouting rules')], jump(KUBE_POSTROUTING))),
  jumpFrom('filter', 'INPUT', rule([], jump(KUBE_FIREWALL))),
  jumpFrom('filter', 'OUTPUT', rule([], jump(KUBE_FIREWALL))),
]

function jumpFrom(table: Entry['table'], chain: string, built: Rule): Entry {
  return { table, chain, rule: built }
}
