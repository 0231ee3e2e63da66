/**
 * Matches and targets in the one spelling that `iptables-save` prints back, so that what was sent and what is read can
 * be compared as they are: addresses first, then protocol, then modules in the order kube-proxy names them.
 */
import type { LocalDetector, Protocol, ServicePortPlan } from '#dataplane'
import type { Family } from '#lib'
import type { Match, Rule, Target } from '#rulesets/iptables'

export const ACCEPT: Target = { kind: 'accept' }
export const DROP: Target = { kind: 'drop' }

export function jump(chain: string): Target {
  return { kind: 'jump', chain }
}

/** ICMP port unreachable: a TCP client sees its connection refused. */
export function reject(family: Family): Target {
  return { kind: 'reject', with: family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable' }
}

export function rule(matches: readonly Match[], target?: Target): Rule {
  return target === undefined ? { matches } : { matches, target }
}

export function comment(text: string): Match {
  return { kind: 'comment', text }
}

export function fromSource(cidr: string, negated = false): Match {
  return negated ? { kind: 'source', cidr, negated } : { kind: 'source', cidr }
}

export function toDestination(cidr: string, negated = false): Match {
  return negated ? { kind: 'destination', cidr, negated } : { kind: 'destination', cidr }
}

export function hostCidr(address: string): string {
  return address.includes(':') ? `${address}/128` : `${address}/32`
}

export function ctstate(states: readonly string[], negated = false): Match {
  return negated ? { kind: 'conntrack-state', states, negated } : { kind: 'conntrack-state', states }
}

export const DESTINATION_IS_LOCAL: Match = { kind: 'address-type', of: 'destination', type: 'LOCAL' }
export const SOURCE_IS_LOCAL: Match = { kind: 'address-type', of: 'source', type: 'LOCAL' }

export function protocolIs(protocol: Protocol): Match {
  return { kind: 'protocol', protocol }
}

export function destinationPort(protocol: Protocol, port: number): Match {
  return { kind: 'destination-port', protocol, from: port, to: port }
}

/** Is for the service port at one of its addresses. */
export function frontend(port: ServicePortPlan, address: string, text: string): readonly [Match, ...Match[]] {
  return [
    toDestination(hostCidr(address)),
    protocolIs(port.protocol),
    comment(text),
    destinationPort(port.protocol, port.servicePort),
  ]
}

/** "Comes from a pod" or its negation, as this node can tell (OP-22). */
export function podSource(detector: LocalDetector, negated = false): Match {
  switch (detector.kind) {
    case 'source':
      return fromSource(detector.cidr, negated)
    case 'interface':
      return inInterface(detector.name, negated)
    case 'interface-prefix':
      return inInterface(`${detector.prefix}+`, negated)
  }
}

function inInterface(name: string, negated: boolean): Match {
  return negated ? { kind: 'in-interface', name, negated } : { kind: 'in-interface', name }
}

const randoms: Match[] = []

/**
 * One in `n`, as the kernel will hold it: kube-proxy prints ten digits (IPT-25), the kernel rounds to a multiple of
 * 2^-31, and iptables-save prints that.
 */
export function oneIn(n: number): Match {
  const known = randoms[n]
  if (known !== undefined) return known
  const probability = Math.round(Number((1 / n).toFixed(10)) * 2 ** 31) / 2 ** 31
  const match: Match = { kind: 'random', probability }
  randoms[n] = match
  return match
}
