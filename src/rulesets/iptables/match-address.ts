/** Conditions on addresses, protocols and interface names. */
import { addressToNumber, parseCidr } from '#lib'

import type { Match } from './ast.ts'
import type { PacketProtocol } from './packet.ts'

/** An address matches if it equals `network` under `mask`. */
type Block = { readonly network: bigint; readonly mask: bigint }

const blocks = new WeakMap<Match, Block | undefined>()

/** `undefined` if the text is no address block: a host name, or a list that iptables would have made several rules of. */
export function isInBlock(match: Match & { readonly cidr: string }, address: bigint): boolean | undefined {
  const block = blocks.has(match) ? blocks.get(match) : parseBlock(match.cidr)
  if (!blocks.has(match)) blocks.set(match, block)
  return block === undefined ? undefined : (address & block.mask) === block.network
}

/** `ADDRESS`, `ADDRESS/LENGTH` or `ADDRESS/MASK`; a mask may have holes. */
function parseBlock(text: string): Block | undefined {
  const cidr = parseCidr(text)
  if (cidr !== undefined) {
    const width = cidr.family === 'IPv4' ? 32n : 128n
    const hostBits = width - BigInt(cidr.prefixLength)
    return { network: cidr.first, mask: (((1n << width) - 1n) >> hostBits) << hostBits }
  }
  const [addressText = '', maskText, ...rest] = text.split('/')
  const address = addressToNumber(addressText)
  if (address === undefined || rest.length > 0) return undefined
  const full = (1n << (addressText.includes(':') ? 128n : 32n)) - 1n
  const mask = maskText === undefined ? full : addressToNumber(maskText)
  return mask === undefined ? undefined : { network: address & mask, mask }
}

const PROTOCOLS: ReadonlyMap<string, PacketProtocol> = new Map([
  ['tcp', 'TCP'],
  ['6', 'TCP'],
  ['udp', 'UDP'],
  ['17', 'UDP'],
  ['sctp', 'SCTP'],
  ['132', 'SCTP'],
  ['icmp', 'ICMP'],
  ['1', 'ICMP'],
])
const ICMP6 = /^(?:ipv6-icmp|icmpv6|58)$/

/** ICMP is protocol 1 in IPv4 and 58 in IPv6; the one's name never matches the other's packets. */
export function isProtocol(
  name: string,
  packet: { readonly protocol: PacketProtocol; readonly family: string },
): boolean {
  if (name === 'all' || name === '0') return true
  if (packet.protocol === 'ICMP' && packet.family === 'IPv6') return ICMP6.test(name)
  return PROTOCOLS.get(name) === packet.protocol
}

/** A trailing `+` stands for any rest. A packet without that interface has the empty name, which only `+` matches. */
export function isInterface(pattern: string, name: string | undefined): boolean {
  const actual = name ?? ''
  return pattern.endsWith('+') ? actual.startsWith(pattern.slice(0, -1)) : actual === pattern
}
