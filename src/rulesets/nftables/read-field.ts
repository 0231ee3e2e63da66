/** What a rule reads off a packet, as numbers that compare like the kernel's. */
import type { NftField } from './ast.ts'
import { protocolOf } from './fields.ts'
import type { Scene } from './flow.ts'
import { parseValue } from './values.ts'

/** `undefined`: the packet has no such field, which ends the rule. A text: why it cannot be told. */
export type Reading = bigint | undefined | string

const PROTOCOLS = { TCP: 6n, UDP: 17n, SCTP: 132n, ICMP: 1n }
const ICMPV6 = 58n
const STATES = { INVALID: 1n, ESTABLISHED: 2n, RELATED: 4n, NEW: 8n, UNTRACKED: 64n }
const SNAT = 16n
const DNAT = 32n

export function readField(field: NftField, scene: Scene): Reading {
  const { flow, place, host } = scene
  const { packet } = flow
  const v6 = packet.family === 'IPv6'
  switch (field) {
    case 'ip saddr':
      return v6 ? undefined : flow.source
    case 'ip daddr':
      return v6 ? undefined : flow.destination
    case 'ip6 saddr':
      return v6 ? flow.source : undefined
    case 'ip6 daddr':
      return v6 ? flow.destination : undefined
    case 'th sport':
    case 'th dport':
    case 'tcp sport':
    case 'tcp dport':
    case 'udp sport':
    case 'udp dport':
    case 'sctp sport':
    case 'sctp dport':
      return readPort(field, scene)
    case 'meta l4proto':
      return packet.protocol === 'ICMP' && v6 ? ICMPV6 : PROTOCOLS[packet.protocol]
    case 'meta nfproto':
      return v6 ? 10n : 2n
    case 'meta mark':
      return BigInt(packet.mark)
    case 'iifname':
      return place.hook === 'output' ? 0n : readName(flow.inInterface)
    case 'oifname':
      return /^(?:prerouting|input)$/.test(place.hook) ? 0n : readName(flow.outInterface)
    case 'ct state':
      return place.conntrackSeen
        ? STATES[packet.ctstate]
        : packet.ctstate === 'UNTRACKED'
          ? STATES.UNTRACKED
          : STATES.INVALID
    case 'ct status':
      return readStatus(scene)
    case 'ct direction':
      return place.conntrackSeen ? 0n : undefined
    case 'ct mark':
      return place.conntrackSeen ? BigInt(flow.ctMark) : undefined
    case 'fib saddr type':
      return parseValue('fib_addrtype', host.addressType(packet.source).toLowerCase())
    case 'fib daddr type':
      return parseValue('fib_addrtype', host.addressType(packet.destination).toLowerCase())
  }
}

function readPort(field: NftField, { flow: { packet } }: Scene): Reading {
  const protocol = protocolOf(field)
  if (packet.protocol === 'ICMP' || (protocol !== undefined && protocol !== packet.protocol.toLowerCase())) {
    return undefined
  }
  return BigInt(field.endsWith('sport') ? packet.sourcePort : packet.destinationPort)
}

/** A packet without the interface has the empty name. */
function readName(name: string | undefined): bigint {
  return name === undefined ? 0n : (parseValue('ifname', name) ?? 0n)
}

/** Of a flow's first packet, nothing but its translations is known to conntrack. */
function readStatus({ flow, place }: Scene): Reading {
  if (!place.conntrackSeen) return undefined
  const { destination, source } = flow.translated
  return (destination === undefined ? 0n : DNAT) | (source === undefined ? 0n : SNAT)
}
