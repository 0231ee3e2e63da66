/**
 * How a prefix tree is laid out in chains: which key a rule is found by, what a prefix of it is to iptables, and what the
 * chain for that prefix is called.
 *
 * In nat the names carry prefixes that kube-proxy takes for its own and removes when it finds no use for them, so that a
 * downgrade leaves nothing there (IPT-5, IPT-34). The slash tells them from a service's chain.
 */
import type { Protocol } from '#dataplane'
import type { Family } from '#lib'
import { addressToNumber, base32Hash, numberToAddress } from '#lib'
import type { Match, Rule } from '#rulesets/iptables'
import { KUBE_EXTERNAL_SERVICES, KUBE_NODEPORTS, KUBE_PROXY_FIREWALL } from './names.ts'
import { destinationPort, protocolIs, toDestination } from './rule-parts.ts'

export type Keying = {
  /** Base 4. Absent: the rule cannot be found by a key and stays in the shared chain itself. */
  readonly keyOf: (rule: Rule) => string | undefined
  readonly matchesOf: (prefix: string) => readonly Match[]
  /** At most 28 characters (XT_EXTENSION_MAXNAMELEN). */
  readonly nameOf: (prefix: string) => string
}

export function keyingOf(chain: string, family: Family): Keying {
  if (chain === KUBE_NODEPORTS) return BY_PORT
  const start =
    chain === KUBE_EXTERNAL_SERVICES ? 'KUBE-EXT-' : chain === KUBE_PROXY_FIREWALL ? 'KUBE-FW-' : 'KUBE-SVC-'
  return byAddress(start, family)
}

/** A chain of a tree, whatever it leads to. */
export function isPrefixChain(chain: string): boolean {
  return /^KUBE-(?:SVC|EXT|FW)-[^/]+\/\d+$/.test(chain)
}

/** Bits of the prefix a chain of a tree stands for: deeper ones have more. */
export function prefixBits(chain: string): number {
  return Number(chain.slice(chain.lastIndexOf('/') + 1))
}

const HASH_LENGTH = 12

function byAddress(start: string, family: Family): Keying {
  const digits = family === 'IPv4' ? 16 : 64
  const host = `/${digits * 2}`
  const cidrOf = (prefix: string): string => {
    const bits = prefix.padEnd(digits, '0').replaceAll(/./g, (digit) => Number(digit).toString(2).padStart(2, '0'))
    return `${numberToAddress(BigInt(`0b${bits}`), family)}/${prefix.length * 2}`
  }
  return {
    keyOf: ({ matches }) => {
      for (const match of matches) {
        if (match.kind !== 'destination' || match.negated === true || !match.cidr.endsWith(host)) continue
        return addressToNumber(match.cidr.slice(0, -host.length))?.toString(DIGIT_BASE).padStart(digits, '0')
      }
      return undefined
    },
    matchesOf: (prefix) => [toDestination(cidrOf(prefix))],
    nameOf: (prefix) => {
      const cidr = cidrOf(prefix)
      // An IPv6 prefix is longer than a chain's name may be.
      return family === 'IPv4' ? start + cidr : `${start}${base32Hash(cidr, HASH_LENGTH)}/${prefix.length * 2}`
    },
  }
}

const DIGIT_BASE = 4
const PORT_DIGITS = 8
const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp']

/** The protocol is the first digit. */
const BY_PORT: Keying = {
  keyOf: ({ matches }) => {
    for (const match of matches) {
      if (match.kind !== 'destination-port' || match.negated === true || match.from !== match.to) continue
      const protocol = PROTOCOLS.findIndex((name) => name === match.protocol)
      return protocol < 0 ? undefined : `${protocol}${match.from.toString(DIGIT_BASE).padStart(PORT_DIGITS, '0')}`
    }
    return undefined
  },
  matchesOf: (prefix) => {
    const { protocol, from, to } = portsOf(prefix)
    const ports = prefix.length === 1 ? [] : [{ ...destinationPort(protocol, from), to }]
    return [protocolIs(protocol), ...ports]
  },
  nameOf: (prefix) => {
    const { protocol, from } = portsOf(prefix)
    return `KUBE-EXT-${protocol}-${from}/${(prefix.length - 1) * 2}`
  },
}

function portsOf(prefix: string): { readonly protocol: Protocol; readonly from: number; readonly to: number } {
  const digits = prefix.slice(1)
  return {
    protocol: PROTOCOLS[Number(prefix[0])] ?? 'tcp',
    from: Number.parseInt(digits.padEnd(PORT_DIGITS, '0'), DIGIT_BASE),
    to: Number.parseInt(digits.padEnd(PORT_DIGITS, '3'), DIGIT_BASE),
  }
}
