/** The node the example services run on, and packets to ask about. */
import type { Family } from '#lib'

import type { HostFacts, Packet } from '../packet.ts'

export type Addresses = {
  readonly node: string
  readonly loopback: string
  /** Pods of this node, of the other node, and a client outside. */
  readonly pod: (number: number) => string
  readonly remotePod: (number: number) => string
  readonly service: (number: number) => string
  readonly vip: string
  readonly outside: string
  readonly allowed: string
}

export const ADDRESSES: Readonly<Record<Family, Addresses>> = {
  IPv4: {
    node: '172.18.0.11',
    loopback: '127.0.0.1',
    pod: (number) => `10.20.1.${number}`,
    remotePod: (number) => `10.20.2.${number}`,
    service: (number) => `10.30.0.${number}`,
    vip: '192.0.2.7',
    outside: '203.0.113.5',
    allowed: '198.51.100.5',
  },
  IPv6: {
    node: 'fd00:172:18::11',
    loopback: '::1',
    pod: (number) => `fd00:20:1::${number}`,
    remotePod: (number) => `fd00:20:2::${number}`,
    service: (number) => `fd00:30::${number}`,
    vip: '2001:db8:1::7',
    outside: '2001:db8:9::5',
    allowed: '2001:db8:2::5',
  },
}

/** Pods of this node behind `pods0`, everything else behind `eth0`. */
export function exampleHost(family: Family, more: Partial<HostFacts> = {}): HostFacts {
  const at = ADDRESSES[family]
  return {
    addressType: (address) => (address === at.node || address === at.loopback ? 'LOCAL' : 'UNICAST'),
    route: (destination) => ({
      outInterface: destination.startsWith(at.pod(0).slice(0, -1)) ? 'pods0' : 'eth0',
      source: at.node,
    }),
    ...more,
  }
}

export function packetOf(family: Family, fields: Partial<Packet> = {}): Packet {
  const at = ADDRESSES[family]
  const origin = fields.origin ?? 'forwarded'
  return {
    family,
    protocol: 'TCP',
    source: origin === 'local' ? at.node : at.outside,
    sourcePort: 40000,
    destination: at.service(1),
    destinationPort: 80,
    origin,
    ...(origin === 'forwarded' ? { inInterface: 'eth0' } : {}),
    ...fields,
  }
}
