/** Which relays the box's services want, and what the inner end may dial. Pure. */
import type { Service } from '#api'
import { addressToNumber } from '#lib'

import type { Topology } from '../topology.ts'
import { hostsOf } from '../topology.ts'
import type { RelayTarget } from './relay-protocol.ts'

export type WantedRelay = {
  /** Unique: `api`, or `namespace/service:port`. */
  readonly name: string
  readonly target: RelayTarget
  readonly preferredPort?: number
}

/** One relay per node port, to the first node: every node answers for every node port. SCTP cannot be relayed. */
export function nodePortRelays(services: Iterable<Service>, topology: Topology): readonly WantedRelay[] {
  const node = topology.nodes[0]
  return [...services].flatMap((service) => {
    const { namespace = 'default', name } = service.metadata
    // A node port is open in the families of its service only.
    const family = (service.spec.ipFamilies ?? topology.families).find((one) => node?.addresses[one] !== undefined)
    const host = family === undefined ? undefined : node?.addresses[family]
    return (service.spec.ports ?? []).flatMap((port): WantedRelay[] => {
      const { nodePort, protocol = 'TCP' } = port
      if (host === undefined || nodePort === undefined || nodePort === 0 || protocol === 'SCTP') return []
      const label = `${namespace}/${name}:${port.name === undefined || port.name === '' ? port.port : port.name}`
      return [{ name: label, target: { protocol, host, port: nodePort }, preferredPort: nodePort }]
    })
  })
}

/** The API server's port, and node ports (any port but the agents') of the nodes. */
export function relayAllows(topology: Topology, agentPort: number): (target: RelayTarget) => boolean {
  const numbers = (hosts: readonly { readonly addresses: object }[]): ReadonlySet<bigint | undefined> =>
    new Set(hosts.flatMap((host) => Object.values(host.addresses as Record<string, string>).map(addressToNumber)))
  const control = numbers([topology.controlPlane])
  const nodes = numbers(hostsOf(topology).filter((host) => topology.nodes.some((node) => node.name === host.name)))
  return ({ protocol, host, port }) => {
    const address = addressToNumber(host)
    if (address === undefined) return false
    if (control.has(address)) return protocol === 'TCP' && port === topology.apiPort
    return nodes.has(address) && port !== agentPort
  }
}
