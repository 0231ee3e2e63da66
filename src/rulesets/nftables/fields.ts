/** What type the value of a field has, and how wide types are (nftables' datatype.c). */
import type { NftField, NftKeyPart, NftType } from './ast.ts'

/** Types a match can compare with beyond those a set can be declared with. */
export type ValueType = NftType | 'nf_proto' | 'ct_state' | 'ct_status' | 'ct_dir' | 'fib_addrtype'

const TYPES: Readonly<Record<NftField, ValueType>> = {
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
  'th sport': 'inet_service',
  'th dport': 'inet_service',
  'tcp sport': 'inet_service',
  'tcp dport': 'inet_service',
  'udp sport': 'inet_service',
  'udp dport': 'inet_service',
  'sctp sport': 'inet_service',
  'sctp dport': 'inet_service',
  'meta l4proto': 'inet_proto',
  'meta nfproto': 'nf_proto',
  'meta mark': 'mark',
  iifname: 'ifname',
  oifname: 'ifname',
  'ct state': 'ct_state',
  'ct status': 'ct_status',
  'ct direction': 'ct_dir',
  'ct mark': 'mark',
  'fib saddr type': 'fib_addrtype',
  'fib daddr type': 'fib_addrtype',
}

/** In bytes. */
export const VALUE_WIDTHS: Readonly<Record<ValueType, number>> = {
  ipv4_addr: 4,
  ipv6_addr: 16,
  inet_proto: 1,
  inet_service: 2,
  mark: 4,
  ifname: 16,
  integer: 4,
  nf_proto: 1,
  ct_state: 4,
  ct_status: 4,
  ct_dir: 1,
  fib_addrtype: 4,
}

export const NFT_TYPES: readonly NftType[] = [
  'ipv4_addr',
  'ipv6_addr',
  'inet_proto',
  'inet_service',
  'mark',
  'ifname',
  'integer',
]

export const FIELDS = Object.keys(TYPES).filter(isField)

export function isField(text: string): text is NftField {
  return Object.hasOwn(TYPES, text)
}

export function isDeclarable(text: string): text is NftType {
  return (NFT_TYPES as readonly string[]).includes(text)
}

export function typeOf(part: NftKeyPart): ValueType {
  return typeof part === 'string' ? TYPES[part] : 'integer'
}

/** The protocol that `tcp dport` and its like demand beside naming a port. */
export function protocolOf(part: NftKeyPart): 'tcp' | 'udp' | 'sctp' | undefined {
  const found = typeof part === 'string' ? /^(tcp|udp|sctp) /.exec(part)?.[1] : undefined
  return found as 'tcp' | 'udp' | 'sctp' | undefined
}

/** Which of the two kinds of address a key reads, if it reads any. */
export function addressFamilyOf(parts: readonly NftKeyPart[]): 'ipv4' | 'ipv6' | undefined {
  for (const part of parts) {
    if (typeof part !== 'string') continue
    if (part.startsWith('ip ')) return 'ipv4'
    if (part.startsWith('ip6 ')) return 'ipv6'
  }
  return undefined
}
