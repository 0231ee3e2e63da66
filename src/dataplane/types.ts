/**
 * The narrow waist: what should happen to packets, without a Kubernetes object and without a backend's words. Backends
 * see nothing but this. One ServicePlan per service and family, one NodePlan per family.
 */
import type { Family } from '#lib'

export type Protocol = 'tcp' | 'udp' | 'sctp'

export type Destination = {
  /** `ip:port`, IPv6 in brackets: identity within a port and hash input (TG-40). */
  readonly key: string
  readonly address: string
  readonly port: number
  /** On this node: what nftables' hairpin set holds (TG-18). */
  readonly local: boolean
}

/** Which of the two lists a class of frontends forwards to. */
export type List = 'cluster' | 'local'

/** What happens to a packet that reaches a frontend (EP-15..EP-18). */
export type Outcome =
  | { readonly kind: 'forward'; readonly list: List }
  /** No usable endpoint anywhere: ICMP port unreachable. */
  | { readonly kind: 'reject' }
  /** A Local policy without a local endpoint: silence. */
  | { readonly kind: 'drop' }

/** Whose packets to the ClusterIP are masqueraded (TG-7, TG-8, TG-12, TG-13). */
export type InternalMasquerade = 'never' | 'sources-outside-pods' | 'always'

/**
 * What external frontends do before their list is asked (TG-9, TG-10).
 *
 * - `everyone`: all sources are masqueraded and take the external outcome.
 * - `short-circuit`: pods of the local detector (if there is one) go to the cluster list unmasqueraded, sources on this
 *   node go to the cluster list masqueraded; only the rest takes the external outcome, unmasqueraded.
 */
export type ExternalSources = 'everyone' | 'short-circuit'

export type ServicePortPlan = {
  /** `namespace/name:port` or `namespace/name` (IN-9): goes into comments; with the protocol, identity. */
  readonly name: string
  readonly protocol: Protocol
  readonly servicePort: number
  readonly clusterIP: string
  readonly externalIPs: readonly string[]
  /** Load-balancer addresses handled on this node; the only frontends that `sourceRanges` guards (TG-20). */
  readonly virtualIPs: readonly string[]
  readonly nodePort?: number
  /** Empty: everybody. Otherwise packets to a VIP from elsewhere are dropped (TG-23). */
  readonly sourceRanges: readonly string[]
  /** A range holds this node's address, so each VIP is itself an allowed source (TG-22). */
  readonly allowVirtualIPSources: boolean
  readonly internal: Outcome
  /** Absent: no external frontend. */
  readonly external?: Outcome
  readonly internalMasquerade: InternalMasquerade
  readonly externalSources: ExternalSources
  /** Sorted by key. Empty unless some frontend or short-circuit can reach them. */
  readonly clusterDestinations: readonly Destination[]
  readonly localDestinations: readonly Destination[]
  /** Union of the lists, sorted by key: who needs an object of its own (EP-13). A hairpin to any is masqueraded (TG-11). */
  readonly reachable: readonly Destination[]
  /** Sliding, per client address and service port (TG-32, TG-33). */
  readonly affinitySeconds?: number
  /** Let in by backends that open the host firewall (IPT-15). */
  readonly healthCheckNodePort?: number
}

export type ServicePlan = {
  /** `namespace/name`. */
  readonly key: string
  readonly family: Family
  readonly ports: readonly ServicePortPlan[]
  readonly healthCheck?: { readonly nodePort: number; readonly localEndpoints: number }
}

/** How a node tells its pods' packets from others (OP-22). */
export type LocalDetector =
  | { readonly kind: 'source'; readonly cidr: string }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string }

/** Where node ports answer (TG-25..TG-29). Loopback of IPv6 never does. */
export type NodePortAddresses =
  | { readonly kind: 'all-local'; readonly loopback: boolean }
  | { readonly kind: 'listed'; readonly addresses: readonly string[] }

export type NodePlan = {
  readonly family: Family
  /** One bit; set with DNAT, cleared and acted upon in POSTROUTING (TG-17). */
  readonly masqueradeMark: number
  readonly masqueradeAll: boolean
  /** Absent: no detector for this family (TG-12). */
  readonly localDetector?: LocalDetector
  readonly nodePortAddresses: NodePortAddresses
  /** Node ports answer on 127.0.0.1: needs route_localnet and the guard against foreign loopback packets (TG-29). */
  readonly localhostNodePorts: boolean
  /** Drop conntrack INVALID in the forward path (IPT-12). */
  readonly dropInvalid: boolean
  readonly nodeAddress?: string
  readonly serviceCIDRs: readonly string[]
}
