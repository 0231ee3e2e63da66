/** networking.k8s.io/v1: what lets HTTP in from outside, and the ranges and addresses of Services as objects. */
import type { Condition, KubeObject } from './meta.ts'
import type { LoadBalancerIngress } from './service.ts'

export type IngressBackend = {
  readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } }
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string }
}

export type IngressPath = {
  readonly path?: string
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  readonly backend: IngressBackend
}

export type IngressRule = { readonly host?: string; readonly http?: { readonly paths: readonly IngressPath[] } }

export type IngressSpec = {
  readonly ingressClassName?: string
  readonly defaultBackend?: IngressBackend
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[]
  readonly rules?: readonly IngressRule[]
}

export type Ingress = KubeObject & {
  readonly spec?: IngressSpec
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] } }
}

export type IngressClass = KubeObject & {
  readonly spec?: {
    readonly controller?: string
    readonly parameters?: {
      readonly apiGroup?: string
      readonly kind: string
      readonly name: string
      readonly scope?: string
      readonly namespace?: string
    }
  }
}

export type ServiceCIDR = KubeObject & {
  readonly spec?: { readonly cidrs?: readonly string[] }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/** An address in use; its name is the address. */
export type IPAddress = KubeObject & {
  readonly spec?: {
    readonly parentRef?: {
      readonly group?: string
      readonly resource?: string
      readonly namespace?: string
      readonly name?: string
    }
  }
}
