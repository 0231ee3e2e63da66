/**
 * Chain names, kube-proxy's own, so that every tool and habit that knows them works (IPT-1..IPT-5; kube-proxy
 * pkg/proxy/iptables/proxier.go portProtoHash, servicePortEndpointChainName).
 */
import type { Protocol } from '#dataplane'
import { base32Hash } from '#lib'

export type TableName = 'filter' | 'nat'

export const KUBE_SERVICES = 'KUBE-SERVICES'
export const KUBE_EXTERNAL_SERVICES = 'KUBE-EXTERNAL-SERVICES'
export const KUBE_NODEPORTS = 'KUBE-NODEPORTS'
export const KUBE_PROXY_FIREWALL = 'KUBE-PROXY-FIREWALL'
export const KUBE_FORWARD = 'KUBE-FORWARD'
export const KUBE_FIREWALL = 'KUBE-FIREWALL'
export const KUBE_POSTROUTING = 'KUBE-POSTROUTING'
export const KUBE_MARK_MASQ = 'KUBE-MARK-MASQ'

/** A nat chain of ours that belongs to a service is known by its prefix alone (IPT-5). */
const SERVICE_PREFIXES = ['KUBE-SVC-', 'KUBE-SVL-', 'KUBE-EXT-', 'KUBE-FW-', 'KUBE-SEP-']

export function isServiceChain(chain: string): boolean {
  return SERVICE_PREFIXES.some((prefix) => chain.startsWith(prefix))
}

export type PortChains = {
  /** Cluster list. */
  readonly svc: string
  /** Local list. */
  readonly svl: string
  /** Entry of external frontends. */
  readonly ext: string
  /** Source ranges. */
  readonly fw: string
}

const HASH_LENGTH = 16

export function portChains(portName: string, protocol: Protocol): PortChains {
  const hash = base32Hash(portName + protocol, HASH_LENGTH)
  return { svc: `KUBE-SVC-${hash}`, svl: `KUBE-SVL-${hash}`, ext: `KUBE-EXT-${hash}`, fw: `KUBE-FW-${hash}` }
}

/** `destination` is `ip:port`, IPv6 in brackets. */
export function endpointChain(portName: string, protocol: Protocol, destination: string): string {
  return `KUBE-SEP-${base32Hash(portName + protocol + destination, HASH_LENGTH)}`
}
