/** Names under in-addr.arpa (RFC 1035 3.5) and ip6.arpa (RFC 3596 2.5), both ways. */
import type { Cidr } from '#lib'
import { canonicalAddress } from '#lib'
import type { Name } from '../wire/index.ts'
import { addressBytes, labelsOf, nameFromLabels, prefixName, ROOT } from '../wire/index.ts'

export type ReverseName =
  | { readonly kind: 'address'; readonly address: string }
  /** Above an address: the name of a whole range. */
  | { readonly kind: 'range' }
  | { readonly kind: 'invalid' }

const RANGE: ReverseName = { kind: 'range' }
const INVALID: ReverseName = { kind: 'invalid' }

/** `name`: lower case. */
export function parseReverseName(name: Name): ReverseName {
  const labels = labelsOf(name)
  if (labels.pop() !== 'arpa') return INVALID
  const family = labels.pop()
  labels.reverse()
  if (family === 'in-addr') {
    if (labels.length > 4 || !labels.every(isOctet)) return INVALID
    return labels.length === 4 ? { kind: 'address', address: labels.join('.') } : RANGE
  }
  if (family !== 'ip6' || labels.length > 32 || !labels.every((label) => /^[0-9a-f]$/.test(label))) return INVALID
  if (labels.length < 32) return RANGE
  const address = canonicalAddress(labels.join('').replaceAll(/.{4}(?!$)/g, '$&:'))
  return address === undefined ? INVALID : { kind: 'address', address }
}

/** `address`: canonical. */
export function reverseNameOf(address: string): Name {
  const bytes = [...addressBytes(address)].reverse()
  const six = bytes.length > 4
  const labels = six ? bytes.flatMap((byte) => [(byte & 15).toString(16), (byte >> 4).toString(16)]) : bytes.map(String)
  return prefixName([...labels, six ? 'ip6' : 'in-addr', 'arpa'], ROOT)
}

/** The zones that together hold the names of exactly the addresses of a range, on octet or nibble boundaries. */
export function reverseZonesOf(cidr: Cidr): Name[] {
  const { family, prefixLength } = cidr
  const [step, width, base, suffix] = family === 'IPv4' ? [8, 32, 10, 'in-addr'] : [4, 128, 16, 'ip6']
  const labels = Math.ceil(prefixLength / step)
  const zones: Name[] = []
  for (let i = 0; i < 2 ** (labels * step - prefixLength); i++) {
    const range = (cidr.first >> BigInt(width - labels * step)) + BigInt(i)
    const parts = Array.from({ length: labels }, (_, at) =>
      ((range >> BigInt(at * step)) & BigInt(2 ** step - 1)).toString(base),
    )
    const zone = nameFromLabels([...parts, suffix, 'arpa'])
    if (zone !== undefined) zones.push(zone)
  }
  return zones
}

function isOctet(label: string): boolean {
  return /^(?:0|[1-9]\d{0,2})$/.test(label) && Number(label) <= 255
}
