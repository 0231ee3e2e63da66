/** Where questions for other zones go. */
import { canonicalAddress, joinHostPort } from '#lib'

export type Upstream = {
  readonly address: string
  readonly port: number
  /** DNS over TLS (RFC 7858). `serverName`: whose certificate it must be; the address's own if not given. */
  readonly tls?: { readonly serverName?: string; readonly ca?: string }
}

const DNS_PORT = 53
const TLS_PORT = 853
/** resolv.conf(5): MAXNS. CoreDNS takes fifteen upstreams; three are what a host has. */
const MAX_NAMESERVERS = 3

/**
 * `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`; after `tls://` port 853 is meant, and a name after a
 * `#` is the server's: `tls://9.9.9.9#dns.quad9.net`. Undefined for anything else.
 */
export function parseUpstream(text: string): Upstream | undefined {
  const parts = /^(?<scheme>tls:\/\/|dns:\/\/)?(?<at>[^#]+)(?:#(?<name>[\w.-]+))?$/.exec(text)?.groups
  if (parts === undefined) return undefined
  const secure = parts['scheme'] === 'tls://'
  const at = parseAddressPort(parts['at'] ?? '', secure ? TLS_PORT : DNS_PORT)
  const serverName = parts['name']
  if (at === undefined || at.port === 0 || (!secure && serverName !== undefined)) return undefined
  return secure ? { ...at, tls: serverName === undefined ? {} : { serverName } } : at
}

/** The same without scheme, with port 0 allowed. */
export function parseAddressPort(text: string, defaultPort: number): Upstream | undefined {
  const whole = canonicalAddress(text)
  if (whole !== undefined) return { address: whole, port: defaultPort }
  const parts = /^(?:\[(?<six>[^\]]+)\]|(?<four>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  const address = canonicalAddress(parts?.['six'] ?? parts?.['four'] ?? '')
  const port = Number(parts?.['port'])
  return address === undefined || !(port <= 0xffff) ? undefined : { address, port }
}

export function upstreamText(upstream: Upstream): string {
  const at = joinHostPort(upstream.address, upstream.port)
  if (upstream.tls === undefined) return at
  const { serverName } = upstream.tls
  return serverName === undefined ? `tls://${at}` : `tls://${at}#${serverName}`
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
