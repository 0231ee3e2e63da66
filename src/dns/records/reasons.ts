/**
 * Why an answer is what it is, made where the decision is made. `explain` prints these; the wire carries none of it.
 * Positive and negative reasons share one union so that every answer has exactly one.
 */
/** What the zone is made of; each is listed by itself. */
export type ClusterResource = 'services' | 'endpointslices' | 'namespaces' | 'pods'

export type AnswerReason =
  | { readonly code: 'cluster-ip' | 'headless-endpoints' | 'endpoint'; readonly service: string }
  | { readonly code: 'external-name'; readonly service: string; readonly target: string }
  | { readonly code: 'pod-address'; readonly namespace: string }
  | { readonly code: 'zone-apex' | 'dns-version' | 'name-server' }
  | { readonly code: 'reverse-cluster-ip' | 'reverse-endpoint'; readonly services: readonly string[] }
  /** The name exists as a parent of others only. */
  | { readonly code: 'no-data-here' }
  | { readonly code: 'no-record-of-type'; readonly service: string }
  /** The service has addresses, of the other family only. */
  | { readonly code: 'wrong-family'; readonly service: string; readonly has: 'IPv4' | 'IPv6' }
  /** SRV of a service whose ports are not known. */
  | { readonly code: 'no-ports'; readonly service: string }
  /** ExternalName services that lead back to themselves, or through more than ten others. */
  | { readonly code: 'external-name-loop'; readonly service: string }
  | { readonly code: 'no-such-namespace'; readonly namespace: string }
  | { readonly code: 'namespace-not-exposed'; readonly namespace: string }
  | {
      readonly code: 'no-such-service'
      readonly service: string
      /** Namespaces that have a service of this name, at most five. */
      readonly elsewhere: readonly string[]
    }
  | { readonly code: 'no-such-port'; readonly service: string; readonly ports: readonly string[] }
  | { readonly code: 'no-such-endpoint'; readonly service: string; readonly endpoint: string }
  /** The endpoint is known but not ready. */
  | { readonly code: 'endpoint-not-ready'; readonly service: string; readonly endpoint: string }
  | { readonly code: 'headless-no-ready-endpoint'; readonly service: string; readonly notReady: number }
  | { readonly code: 'empty-service-ignored'; readonly service: string }
  | { readonly code: 'no-cluster-ip'; readonly service: string }
  | { readonly code: 'external-name-has-no-parts'; readonly service: string }
  /** `externalName` is an address or no legal name: nothing a CNAME could point at. */
  | { readonly code: 'external-name-unusable'; readonly service: string; readonly externalName: string }
  | { readonly code: 'pods-disabled' }
  /** `pods verified`: no running pod of that namespace has the address. */
  | { readonly code: 'no-such-pod'; readonly namespace: string; readonly address: string }
  | { readonly code: 'pod-name-not-an-address'; readonly label: string }
  | { readonly code: 'too-many-labels' }
  | { readonly code: 'not-svc-or-pod'; readonly label: string }
  | { readonly code: 'no-such-address'; readonly address: string }
  | { readonly code: 'not-an-address' }
  /** A negative answer would have been given, but what it rests on has not been listed yet. */
  | { readonly code: 'not-synced'; readonly waitingFor: readonly ClusterResource[] }

/** Why a question is not for this zone; the next one in the chain gets it. */
export type PassReason = { readonly code: 'outside-zone' | 'reverse-not-found' }
