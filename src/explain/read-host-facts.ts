/**
 * The evaluator's view of a host, from what iproute2 prints about it: `ip -j addr` and `ip -j route`. Pure; who ran the
 * commands, and when, does not matter.
 */
import type { Cidr, Family } from '#lib'
import { canonicalAddress, cidrContains, FAMILIES, familyOf, parseCidr } from '#lib'
import type { AddressType, HostFacts, Route } from '#rulesets/iptables'

type LinkEntry = {
  readonly ifname?: string
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}
type RouteEntry = {
  readonly dst?: string
  readonly dev?: string
  readonly prefsrc?: string
  readonly type?: string
  readonly metric?: number
}

export type HostDumps = {
  /** Text of `ip -j addr`. */
  readonly addresses: string
  /** Text of `ip -j -4 route` and `ip -j -6 route`, as far as there are. */
  readonly routes: Partial<Readonly<Record<Family, string>>>
}

type KnownRoute = { readonly cidr: Cidr; readonly device: string; readonly source?: string; readonly metric: number }

export function readHostFacts(dumps: HostDumps): HostFacts {
  const links = parseArray<LinkEntry>(dumps.addresses)
  const local = new Map<string, string>()
  for (const link of links) {
    for (const entry of link.addr_info ?? []) {
      const address = canonicalAddress(entry.local ?? '')
      if (address !== undefined) local.set(address, link.ifname ?? '')
    }
  }
  const routes = FAMILIES.flatMap((family) =>
    parseArray<RouteEntry>(dumps.routes[family] ?? '').flatMap((entry) => readRoute(entry, family)),
  )
  return {
    addressType: (address) => addressTypeOf(address, local),
    route: (destination) => pickRoute(destination, routes, local),
    interfaceAddress: (name) => [...local].find(([, device]) => device === name)?.[0],
  }
}

/** A host of which only some addresses are known: for rules that are read from a file. */
export function hostFactsOf(addresses: readonly string[]): HostFacts {
  const local = new Map(addresses.map((address) => [canonicalAddress(address) ?? address, 'eth0']))
  return {
    addressType: (address) => addressTypeOf(address, local),
    route: (destination) => {
      const source = addresses.find((address) => familyOf(address) === familyOf(destination))
      return source === undefined ? undefined : { outInterface: 'eth0', source }
    },
  }
}

function addressTypeOf(address: string, local: ReadonlyMap<string, string>): AddressType {
  const canonical = canonicalAddress(address) ?? address
  if (local.has(canonical) || canonical === '::1' || canonical.startsWith('127.')) return 'LOCAL'
  if (canonical === '255.255.255.255') return 'BROADCAST'
  if (/^(22[4-9]|23\d)\./.test(canonical) || canonical.startsWith('ff')) return 'MULTICAST'
  return 'UNICAST'
}

/** Longest prefix, then lowest metric, as the kernel's main table decides. */
function pickRoute(
  destination: string,
  routes: readonly KnownRoute[],
  local: ReadonlyMap<string, string>,
): Route | undefined {
  let best: KnownRoute | undefined
  for (const route of routes) {
    if (!cidrContains(route.cidr, destination)) continue
    const longer = best === undefined || route.cidr.prefixLength > best.cidr.prefixLength
    const equal = best !== undefined && route.cidr.prefixLength === best.cidr.prefixLength
    if (longer || (equal && best !== undefined && route.metric < best.metric)) best = route
  }
  if (best === undefined) return undefined
  const source = best.source ?? sourceFor(best, destination, local)
  return source === undefined ? undefined : { outInterface: best.device, source }
}

/** Without a preferred source the kernel takes an address of the outgoing interface, else any global one. */
function sourceFor(route: KnownRoute, destination: string, local: ReadonlyMap<string, string>): string | undefined {
  const family = familyOf(destination)
  const candidates = [...local].filter(([address]) => familyOf(address) === family && !isScoped(address))
  return (candidates.find(([, device]) => device === route.device) ?? candidates[0])?.[0]
}

function isScoped(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('fe80:')
}

function readRoute(entry: RouteEntry, family: Family): KnownRoute[] {
  if (entry.dev === undefined || (entry.type !== undefined && entry.type !== 'unicast')) return []
  const cidr = destinationOf(entry.dst ?? 'default', family)
  if (cidr === undefined) return []
  const source = entry.prefsrc === undefined ? {} : { source: entry.prefsrc }
  return [{ cidr, device: entry.dev, metric: entry.metric ?? 0, ...source }]
}

function destinationOf(text: string, family: Family): Cidr | undefined {
  if (text === 'default') return parseCidr(family === 'IPv4' ? '0.0.0.0/0' : '::/0')
  return parseCidr(text.includes('/') ? text : `${text}/${family === 'IPv4' ? 32 : 128}`)
}

function parseArray<T>(text: string): T[] {
  if (text.trim() === '') return []
  const value: unknown = JSON.parse(text)
  return Array.isArray(value) ? (value as T[]) : []
}
