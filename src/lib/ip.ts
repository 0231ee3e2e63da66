/**
 * IP addresses and CIDRs. Parsing and printing are ipaddr.js; Kubernetes' own leniency (leading zeros are decimal,
 * never octal) and the canonical output forms are added here.
 */
import ipaddr from 'ipaddr.js'

export type Family = 'IPv4' | 'IPv6'

export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6']

export type Cidr = {
  readonly family: Family
  /** Network address in canonical form, host bits cleared. */
  readonly network: string
  readonly prefixLength: number
  /** Network address as a number: 32 or 128 bits. */
  readonly first: bigint
  /** Last address of the range. */
  readonly last: bigint
}

/** The address's canonical text (RFC 5952 for IPv6), or undefined if it is none. Leading zeros are read as decimal. */
export function canonicalAddress(text: string): string | undefined {
  return parse(text)?.toString()
}

export function isAddress(text: string): boolean {
  return parse(text) !== undefined
}

export function familyOf(address: string): Family | undefined {
  const parsed = parse(address)
  return parsed === undefined ? undefined : parsed.kind() === 'ipv4' ? 'IPv4' : 'IPv6'
}

export function addressToNumber(address: string): bigint | undefined {
  const parsed = parse(address)
  return parsed === undefined ? undefined : bytesToNumber(parsed.toByteArray())
}

export function numberToAddress(value: bigint, family: Family): string {
  const length = family === 'IPv4' ? 4 : 16
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn))
  return ipaddr.fromByteArray(bytes).toString()
}

/** `undefined` for anything that is not ADDRESS/LENGTH. Host bits are cleared, as the kernel does. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const address = parse(text.slice(0, slash))
  const lengthText = text.slice(slash + 1)
  if (address === undefined || !/^\d{1,3}$/.test(lengthText)) return undefined
  const family: Family = address.kind() === 'ipv4' ? 'IPv4' : 'IPv6'
  const width = family === 'IPv4' ? 32 : 128
  const prefixLength = Number(lengthText)
  if (prefixLength > width) return undefined
  const hostBits = BigInt(width - prefixLength)
  const first = (bytesToNumber(address.toByteArray()) >> hostBits) << hostBits
  const last = first | ((1n << hostBits) - 1n)
  return { family, network: numberToAddress(first, family), prefixLength, first, last }
}

export function formatCidr(cidr: Cidr): string {
  return `${cidr.network}/${cidr.prefixLength}`
}

export function cidrContains(cidr: Cidr, address: string): boolean {
  const value = addressToNumber(address)
  return value !== undefined && familyOf(address) === cidr.family && value >= cidr.first && value <= cidr.last
}

/** `1.2.3.4:80` or `[fd00::1]:80`, the form of Go's net.JoinHostPort that kube-proxy hashes (TG-40). */
export function joinHostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (text.includes(':')) {
    if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
    return ipaddr.IPv6.parse(text)
  }
  const decimal = /^\d{1,9}\.\d{1,9}\.\d{1,9}\.\d{1,9}$/.test(text)
  if (!decimal) return undefined
  const parts = text.split('.').map(Number)
  return parts.every((part) => part <= 255) ? new ipaddr.IPv4(parts) : undefined
}

function bytesToNumber(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
