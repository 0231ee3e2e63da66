/**
 * What one node makes of one Service in one IP family: its frontends, the endpoints each list holds, and for every
 * endpoint and service that is left out the reason, as data. Numbers in parentheses are rules of
 * docs/behaviour.md.
 */
import type { ObjectKey, Protocol, ServiceType, TrafficPolicy } from '#api'
import type { Family } from '#lib'

/** A malformed part of a user's object: the part is left out, the rest is served. */
export type Problem = {
  readonly code: ProblemCode
  /** `Service default/web` or `EndpointSlice default/web-abc12`. */
  readonly object: string
  /** JSON path of the offending field. */
  readonly field: string
  readonly message: string
}

export type ProblemCode =
  | 'invalid-cluster-ip'
  | 'invalid-external-ip'
  | 'invalid-ingress-ip'
  | 'invalid-source-range'
  | 'invalid-port'
  | 'invalid-port-name'
  | 'duplicate-port'
  | 'unknown-protocol'
  | 'health-check-port-missing'
  | 'invalid-endpoint-address'
  | 'invalid-endpoint-port'
  | 'unnamed-endpoint-port'

/** Why a Service has no rules at all in this family (IN-1, IN-7, IN-8). */
export type SkipReason =
  | 'external-name'
  | 'headless'
  | 'no-cluster-ip'
  | 'no-cluster-ip-of-family'
  | 'invalid-cluster-ip'
  | 'other-proxy'
  /** Names end up in rule texts; one that no API server would accept is not let that far. */
  | 'invalid-name'

export type EndpointModel = {
  /** `ip:port`, IPv6 in brackets: identity within a port, sort key and hash input (IN-28, IN-29, TG-40). */
  readonly key: string
  readonly address: string
  readonly port: number
  readonly local: boolean
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly nodeName?: string
  readonly zone?: string
  readonly nodeHints: readonly string[]
  readonly zoneHints: readonly string[]
  /** Name of the EndpointSlice it was read from. */
  readonly slice: string
  /** `Pod/web-0`, where the slice says so. */
  readonly target?: string
}

/** Why an endpoint of the pool is not in a list (EP-4..EP-10). */
export type RefusalReason =
  | { readonly code: 'not-ready' }
  /** Serving and terminating, but ready endpoints exist, so it is spared (EP-5, EP-6). */
  | { readonly code: 'terminating-unused' }
  | { readonly code: 'other-node'; readonly nodeName?: string }
  | { readonly code: 'hinted-other-node'; readonly nodes: readonly string[] }
  | { readonly code: 'other-zone'; readonly zones: readonly string[] }
  /** No traffic policy of this port reads the list (EP-2, EP-3). */
  | { readonly code: 'list-unused' }

export type Verdict =
  | { readonly chosen: true; readonly because: 'ready' | 'terminating-fallback' }
  | { readonly chosen: false; readonly reason: RefusalReason }

export type EndpointDecision = {
  readonly endpoint: EndpointModel
  readonly cluster: Verdict
  readonly local: Verdict
}

/** An endpoint of a slice that never got into the port's pool (IN-24, IN-25, IN-28). */
export type DiscardedEndpoint = {
  readonly slice: string
  readonly address?: string
  readonly reason:
    | { readonly code: 'no-address' }
    | { readonly code: 'invalid-address' }
    | { readonly code: 'port-name-mismatch'; readonly offered: readonly string[] }
    | { readonly code: 'duplicate-of'; readonly key: string; readonly slice: string }
}

/** A slice that was not read at all. */
export type IgnoredSlice = {
  readonly slice: string
  readonly addresses: readonly string[]
  readonly reason: { readonly code: 'wrong-family'; readonly addressType: string } | { readonly code: 'headless-label' }
}

/** Which step of EP-9 applied, and why no finer one did. */
export type TopologyMode =
  | { readonly kind: 'same-node' }
  | { readonly kind: 'same-zone'; readonly zone: string }
  | {
      readonly kind: 'none'
      readonly because: 'no-ready-endpoint' | 'no-hints' | 'unhinted-endpoint' | 'not-hinted-here'
    }

export type ServicePortModel = {
  /** Empty for an unnamed port. */
  readonly name: string
  /** `namespace/name:port` or `namespace/name`: the form in comments and hashes (IN-9). */
  readonly printedName: string
  readonly protocol: Protocol
  readonly servicePort: number
  readonly nodePort?: number
  /** Reachable from outside: nodePort, VIP or externalIP (EP-1). */
  readonly accessible: boolean
  /** Effective policies: external is Local only when the port is accessible and IN-11 holds. */
  readonly internalPolicy: TrafficPolicy
  readonly externalPolicy: TrafficPolicy
  readonly topology: TopologyMode
  /** Cluster list (EP-4, EP-5); empty when no policy reads it. */
  readonly clusterEndpoints: readonly EndpointModel[]
  /** Local list (EP-6); empty when no policy reads it. */
  readonly localEndpoints: readonly EndpointModel[]
  readonly anyEndpoints: boolean
  /** Every endpoint of the pool with its fate, sorted by key. */
  readonly decisions: readonly EndpointDecision[]
  readonly discarded: readonly DiscardedEndpoint[]
}

export type ServiceModel = {
  readonly key: ObjectKey
  readonly namespace: string
  readonly name: string
  readonly family: Family
  readonly type: ServiceType
  /** Present: the Service has no rules in this family, and nothing below holds anything. */
  readonly skipped?: SkipReason
  readonly clusterIP?: string
  readonly externalIPs: readonly string[]
  /** Load-balancer addresses this proxy handles itself (IN-14). */
  readonly virtualIPs: readonly string[]
  /** Empty: everybody (IN-16). */
  readonly sourceRanges: readonly string[]
  /** Present: ClientIP affinity. */
  readonly affinitySeconds?: number
  readonly healthCheckNodePort?: number
  /** Distinct local ready endpoint addresses over all ports: what the health-check port reports (HC-5). */
  readonly localReadyAddresses: number
  readonly ports: readonly ServicePortModel[]
  readonly ignoredSlices: readonly IgnoredSlice[]
  readonly problems: readonly Problem[]
}
