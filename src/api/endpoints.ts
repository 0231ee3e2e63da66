import type { KubeObject, ObjectReference } from './meta.ts'
import type { Protocol } from './service.ts'

export type EndpointConditions = {
  /** Absent means true. */
  readonly ready?: boolean
  /** Absent means true. */
  readonly serving?: boolean
  /** Absent means false. */
  readonly terminating?: boolean
}

export type Endpoint = {
  readonly addresses: readonly string[]
  readonly conditions?: EndpointConditions
  readonly hostname?: string
  readonly nodeName?: string
  readonly zone?: string
  readonly targetRef?: ObjectReference
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[]
    readonly forNodes?: readonly { readonly name: string }[]
  }
}

export type EndpointPort = {
  readonly name?: string
  readonly protocol?: Protocol
  readonly port?: number
  readonly appProtocol?: string
}

/** discovery.k8s.io/v1. Stored empty lists read back as null, which consumers treat as empty. */
export type EndpointSlice = KubeObject & {
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN'
  readonly endpoints: readonly Endpoint[] | null
  readonly ports?: readonly EndpointPort[] | null
}

export type EndpointAddress = {
  readonly ip: string
  readonly hostname?: string
  readonly nodeName?: string
  readonly targetRef?: ObjectReference
}

export type EndpointSubset = {
  readonly addresses?: readonly EndpointAddress[]
  readonly notReadyAddresses?: readonly EndpointAddress[]
  readonly ports?: readonly EndpointPort[]
}

export type Endpoints = KubeObject & { readonly subsets?: readonly EndpointSubset[] }
