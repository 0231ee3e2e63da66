/** A node of the topology as its agent wants it. */
import type { Addresses, LabNode, Topology } from '../topology.ts'
import type { NodeFacts } from './node-context.ts'

export function nodeFacts(topology: Topology, node: LabNode): NodeFacts {
  const inOrder = (addresses: Addresses): readonly string[] =>
    topology.families.map((family) => addresses[family]).filter((address) => address !== undefined)
  return {
    name: node.name,
    addresses: inOrder(node.addresses),
    podCidrs: inOrder(node.podCidrs),
    podGateways: inOrder(node.podGateways),
  }
}
