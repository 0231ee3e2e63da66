/** What the service path needs to know of the node it computes for. Read once from the Node object, then passed down. */
import type { Node } from '#api'
import type { Family } from '#lib'
import { canonicalAddress, familyOf } from '#lib'

export type NodeFacts = {
  readonly name: string
  readonly zone?: string
  /** Node addresses, InternalIP before ExternalIP, canonical. */
  readonly addresses: readonly string[]
  readonly podCIDRs: readonly string[]
}

const ZONE_LABEL = 'topology.kubernetes.io/zone'

/** Facts of a node that may not be known (yet): then nothing but its name (OP-16). */
export function nodeFactsOf(name: string, node: Node | undefined): NodeFacts {
  const zone = node?.metadata.labels?.[ZONE_LABEL]
  const listed = node?.status?.addresses ?? []
  const addresses = ['InternalIP', 'ExternalIP'].flatMap((type) =>
    listed.filter((entry) => entry.type === type).map((entry) => canonicalAddress(entry.address)),
  )
  const podCIDRs = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR])
  return {
    name,
    ...(zone === undefined || zone === '' ? {} : { zone }),
    addresses: addresses.filter((address) => address !== undefined),
    podCIDRs,
  }
}

/** The node's first address of a family (OP-19). */
export function nodeAddressOf(facts: NodeFacts, family: Family): string | undefined {
  return facts.addresses.find((address) => familyOf(address) === family)
}
