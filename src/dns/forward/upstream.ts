/** Where questions for other zones go. */
import { canonicalAddress, joinHostPort } from '#lib'

export type Upstream = { readonly address: string; readonly port: number }

const DNS_PORT = 53
/** resolv.conf(5): MAXNS. CoreDNS takes fifteen upstreams; three are what a host has. */
const MAX_NAMESERVERS = 3

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`; undefined for anything else. */
export function parseUpstream(text: string): Upstream | undefined {
  const upstream = parseAddressPort(text, DNS_PORT)
  return upstream === undefined || upstream.port === 0 ? undefined : upstream
}

/** The same, with port 0 allowed. */
export function parseAddressPort(text: string, defaultPort: number): Upstream | undefined {
  const whole = canonicalAddress(text)
  if (whole !== undefined) return { address: whole, port: defaultPort }
  const parts = /^(?:\[(?<six>[^\]]+)\]|(?<four>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  const address = canonicalAddress(parts?.['six'] ?? parts?.['four'] ?? '')
  const port = Number(parts?.['port'])
  return address === undefined || !(port <= 0xffff) ? undefined : { address, port }
}

export function upstreamText(upstream: Upstream): string {
  return joinHostPort(upstream.address, upstream.port)
}

/** The nameservers of a resolv.conf; scoped addresses and nonsense are left out. */
export function nameserversOf(resolvConf: string): Upstream[] {
  return resolvConf
    .split('\n')
    .map((line) => /^nameserver[ \t]+(\S+)/.exec(line)?.[1])
    .map((text) => (text === undefined ? undefined : parseUpstream(text)))
    .filter((upstream) => upstream !== undefined)
    .slice(0, MAX_NAMESERVERS)
}
