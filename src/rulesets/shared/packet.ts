/** What the evaluator is asked about: a packet that starts a flow, and the few facts of the host that decide its way. */
import type { Family } from '#lib'

export type PacketProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP'

/** Conntrack's view of the packet. Only a NEW one consults the nat table; later ones follow the flow's mapping (TG-5). */
export type ConntrackState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'

export type Packet = {
  readonly family: Family
  /** ICMP stands for ICMPv6 where the family is IPv6. */
  readonly protocol: PacketProtocol
  readonly source: string
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  /** Where it arrived; meaningless for `origin: 'local'`. */
  readonly inInterface?: string
  /** NEW if not given. */
  readonly ctstate?: ConntrackState
  /** The fwmark (`skb->mark`), 0 if not given. */
  readonly mark?: number
  /** `forwarded`: it arrives on an interface, for whomever. `local`: a process of this host made it. */
  readonly origin: 'forwarded' | 'local'
}

export type AddressType =
  'UNSPEC' | 'UNICAST' | 'LOCAL' | 'BROADCAST' | 'ANYCAST' | 'MULTICAST' | 'BLACKHOLE' | 'UNREACHABLE' | 'PROHIBIT'

export type Route = {
  readonly outInterface: string
  /** The address the kernel puts on packets of its own going there; MASQUERADE uses it too. */
  readonly source: string
}

export type HostFacts = {
  /** As the routing table has it (`fib`): LOCAL for every address of this host, loopback included. */
  addressType(address: string): AddressType
  /** `undefined`: no route. Not asked for LOCAL destinations unless they are masqueraded. */
  route(destination: string): Route | undefined
  /** Seconds since the address was put into or refreshed in a `recent` list; not given = no list has any entry. */
  recent?(list: string, address: string): number | undefined
  /** First address of an interface, which REDIRECT of an arriving packet goes to; not given = such a rule is refused. */
  interfaceAddress?(name: string): string | undefined
}
