/**
 * Addresses and CIDRs in API fields. The strict form is that of Kubernetes 1.36 (StrictIPCIDRValidation): no leading
 * zeros, no IPv4-mapped IPv6, no host bits in a CIDR. Values that were stored before keep passing; callers decide that.
 */
import { addressToNumber, canonicalAddress, familyOf, parseCidr } from '#lib'
import type { FieldError } from './field-error.ts'
import { invalid } from './field-error.ts'

const ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

export function addressProblems(text: string): readonly string[] {
  if (familyOf(text) === undefined) return [ADDRESS]
  return strictProblems(text)
}

/** Loose: whatever Go's sloppy parser took before 1.36. */
export function looseAddressProblems(text: string): readonly string[] {
  return familyOf(text) === undefined ? [ADDRESS] : []
}

export function cidrProblems(text: string): readonly string[] {
  const cidr = parseCidr(text)
  const slash = text.indexOf('/')
  const length = text.slice(slash + 1)
  if (cidr === undefined || (length.length > 1 && length.startsWith('0'))) return [CIDR]
  const address = text.slice(0, slash)
  const strict = strictProblems(address)
  if (strict.length > 0) return strict
  return addressToNumber(address) === cidr.first
    ? []
    : ['must not have bits set beyond the prefix length'].map(
        (problem) => `${problem} (you may have meant ${cidr.network}/${cidr.prefixLength})`,
      )
}

const SPECIAL = [
  { cidrs: ['127.0.0.0/8', '::1/128'], text: 'may not be in the loopback range (127.0.0.0/8, ::1/128)' },
  { cidrs: ['169.254.0.0/16', 'fe80::/10'], text: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)' },
  {
    cidrs: ['224.0.0.0/24', 'ff02::/16'],
    text: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/16)',
  },
].flatMap(({ cidrs, text }) =>
  cidrs.flatMap((one) => {
    const cidr = parseCidr(one)
    return cidr === undefined ? [] : [{ cidr, text }]
  }),
)

/** Addresses no traffic can be sent to through a service: unspecified, loopback, link-local. */
export function specialAddressErrors(field: string, address: string): readonly FieldError[] {
  const value = addressToNumber(address)
  if (value === undefined) return [invalid(field, address, ADDRESS)]
  if (value === 0n) {
    return [invalid(field, address, `may not be unspecified (${canonicalAddress(address) ?? address})`)]
  }
  const family = address.includes(':') ? 'IPv6' : 'IPv4'
  return SPECIAL.filter(({ cidr }) => cidr.family === family && value >= cidr.first && value <= cidr.last).map(
    ({ text }) => invalid(field, address, text),
  )
}

function strictProblems(text: string): readonly string[] {
  if (text.includes(':')) {
    const value = addressToNumber(text)
    const mapped = value !== undefined && value >> 32n === 0xffffn
    return mapped ? ['must not be an IPv4-mapped IPv6 address'] : []
  }
  return /(^|\.)0\d/.test(text) ? ['must not have leading 0s'] : []
}
