/**
 * Lines of `ip -batch` for interfaces, addresses, routes and namespaces. A line is text that `ip` splits at blanks, so
 * every word that goes into one is checked here: no name or address from elsewhere can become a second word.
 */

import { SignalboxError } from '#lib'

/** One command of `ip -batch`, without the leading `ip`. */
export type IpLine = string

/** Where the far end of a veth pair goes: a named namespace, or that of a process. */
export type VethPeer = { readonly name: string; readonly netns: string | number }

export type Route = {
  /** CIDR; its form decides the family, `default` would not. */
  readonly to: string
  readonly via?: string
  readonly dev?: string
  /** No gateway is asked for the neighbour's address: the interface is the whole link. */
  readonly onLink?: boolean
  /** `unreachable`: answer with ICMP instead of forwarding. */
  readonly kind?: 'unicast' | 'unreachable'
}

/** IFNAMSIZ is 16 with the final NUL. */
const INTERFACE_LIMIT = 15

export function netnsAddLine(name: string): IpLine {
  return line('netns', 'add', word(name))
}

export function netnsDeleteLine(name: string): IpLine {
  return line('netns', 'del', word(name))
}

/** A bridge that forwards at once: no spanning tree, and no multicast snooping, which would hold back neighbour discovery. */
export function bridgeAddLine(name: string): IpLine {
  return line('link', 'add', interfaceName(name), 'type', 'bridge', 'stp_state 0 forward_delay 0 mcast_snooping 0')
}

export function vethAddLine(name: string, peer: VethPeer): IpLine {
  const far = ['peer', 'name', interfaceName(peer.name), 'netns', word(String(peer.netns))]
  return line('link', 'add', interfaceName(name), 'type', 'veth', ...far)
}

export function linkDeleteLine(name: string): IpLine {
  return line('link', 'del', interfaceName(name))
}

export function linkUpLine(name: string): IpLine {
  return line('link', 'set', interfaceName(name), 'up')
}

export function linkMasterLine(name: string, bridge: string): IpLine {
  return line('link', 'set', interfaceName(name), 'master', interfaceName(bridge))
}

/** `cidr` keeps its host bits. IPv6 addresses skip duplicate address detection: nobody else is on these links. */
export function addressAddLine(cidr: string, dev: string): IpLine {
  return line('addr', 'add', word(cidr), 'dev', interfaceName(dev), ...(cidr.includes(':') ? ['nodad'] : []))
}

export function routeReplaceLine(route: Route): IpLine {
  return line(
    'route',
    'replace',
    ...(route.kind === 'unreachable' ? ['unreachable'] : []),
    word(route.to),
    ...(route.via === undefined ? [] : ['via', word(route.via)]),
    ...(route.dev === undefined ? [] : ['dev', interfaceName(route.dev)]),
    ...(route.onLink === true ? ['scope', 'link'] : []),
  )
}

export function routeDeleteLine(to: string, dev?: string): IpLine {
  return line('route', 'del', word(to), ...(dev === undefined ? [] : ['dev', interfaceName(dev)]))
}

function line(...words: string[]): IpLine {
  return words.join(' ')
}

function interfaceName(name: string): string {
  if (name.length > INTERFACE_LIMIT) throw badWord(name)
  return word(name)
}

function word(text: string): string {
  if (!/^[A-Za-z0-9:][A-Za-z0-9_.:/-]*$/.test(text)) throw badWord(text)
  return text
}

function badWord(text: string): SignalboxError {
  return new SignalboxError('SBX_LINK_BAD_NAME', `not usable as a name or address of a link: ${JSON.stringify(text)}`)
}
