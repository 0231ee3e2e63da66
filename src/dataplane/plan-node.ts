/** The node-wide half of the plan, one family at a time. */
import type { Family } from '#lib'
import { cidrContains, formatCidr, parseCidr } from '#lib'
import type { NodeFacts } from '#model'
import { nodeAddressOf } from '#model'
import type { DataplaneConfig } from './config.ts'
import type { LocalDetector, NodePlan, NodePortAddresses } from './types.ts'

export type PlanNodeInput = {
  readonly config: DataplaneConfig
  readonly node: NodeFacts
  readonly family: Family
  /** Addresses on this host's interfaces; only read when nodePortAddresses names CIDRs (TG-28). */
  readonly hostAddresses?: readonly string[]
}

export function planNode(input: PlanNodeInput): NodePlan {
  const { config, node, family } = input
  const localDetector = planDetector(config, node, family)
  const nodeAddress = nodeAddressOf(node, family)
  const accepted = acceptedCidrs(config, node, family)
  const localhost = family === 'IPv4' && config.localhostNodePorts && acceptsLoopback(accepted)
  return {
    family,
    masqueradeMark: (1 << config.masqueradeBit) >>> 0,
    masqueradeAll: config.masqueradeAll,
    ...(localDetector === undefined ? {} : { localDetector }),
    nodePortAddresses: planNodePortAddresses(accepted, localhost, input.hostAddresses ?? node.addresses),
    localhostNodePorts: localhost,
    dropInvalid: config.dropInvalid,
    ...(nodeAddress === undefined ? {} : { nodeAddress }),
    serviceCIDRs: ofFamily(config.serviceCIDRs, family),
  }
}

/** OP-22: the first CIDR of the family; missing data is no detector. */
function planDetector(config: DataplaneConfig, node: NodeFacts, family: Family): LocalDetector | undefined {
  switch (config.detectLocalMode) {
    case 'ClusterCIDR':
    case 'NodeCIDR': {
      const cidr = ofFamily(config.detectLocalMode === 'NodeCIDR' ? node.podCIDRs : config.clusterCIDRs, family)[0]
      return cidr === undefined ? undefined : { kind: 'source', cidr }
    }
    case 'BridgeInterface':
      return config.bridgeInterface === undefined ? undefined : { kind: 'interface', name: config.bridgeInterface }
    case 'InterfaceNamePrefix':
      return config.interfaceNamePrefix === undefined
        ? undefined
        : { kind: 'interface-prefix', prefix: config.interfaceNamePrefix }
  }
}

/** Empty: every local address (TG-25, TG-26). */
function acceptedCidrs(config: DataplaneConfig, node: NodeFacts, family: Family): readonly string[] {
  if (config.nodePortAddresses[0] === 'primary') {
    const address = nodeAddressOf(node, family)
    return address === undefined ? [] : [`${address}/${family === 'IPv4' ? 32 : 128}`]
  }
  const cidrs = ofFamily(config.nodePortAddresses, family)
  return cidrs.some((cidr) => cidr.endsWith('/0')) ? [] : cidrs
}

function acceptsLoopback(accepted: readonly string[]): boolean {
  return accepted.length === 0 || accepted.some((cidr) => cidr.startsWith('127.'))
}

function planNodePortAddresses(
  accepted: readonly string[],
  loopback: boolean,
  hostAddresses: readonly string[],
): NodePortAddresses {
  if (accepted.length === 0) return { kind: 'all-local', loopback }
  const cidrs = accepted.map(parseCidr).filter((cidr) => cidr !== undefined)
  const inRange = hostAddresses.filter((address) => cidrs.some((cidr) => cidrContains(cidr, address)))
  const withLoopback = loopback ? ['127.0.0.1', ...inRange] : inRange
  // CC-66: a loopback entry without localhostNodePorts accepts nothing there; ::1 never answers (CC-67).
  const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'
  const addresses = withLoopback.filter((address) => !isLoopback(address) || (loopback && address !== '::1'))
  return { kind: 'listed', addresses: [...new Set(addresses)] }
}

function ofFamily(cidrs: readonly string[], family: Family): string[] {
  return cidrs
    .map((text) => parseCidr(text.trim()))
    .filter((cidr) => cidr?.family === family)
    .map((cidr) => (cidr === undefined ? '' : formatCidr(cidr)))
}
