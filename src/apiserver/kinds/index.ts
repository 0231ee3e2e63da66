/** The kinds this server keeps. Adding one means adding its file and naming it here, nothing else. */
import type { ServiceAllocator } from '#allocators'
import { createServiceAllocator } from '#allocators'
import { configMapKind } from './config-map.ts'
import { customResourceDefinitionKind } from './custom-resource-definition.ts'
import { deploymentKind } from './deployment.ts'
import { endpointSliceKind } from './endpoint-slice.ts'
import { endpointsKind } from './endpoints.ts'
import { eventKind } from './event.ts'
import { eventV1Kind } from './event-v1.ts'
import { ingressClassKind } from './ingress-class.ts'
import { ingressKind } from './ingress.ts'
import { ipAddressKind } from './ip-address.ts'
import type { KindDefinition } from './kind.ts'
import { leaseKind } from './lease.ts'
import { namespaceKind } from './namespace.ts'
import { nodeKind } from './node.ts'
import { podKind } from './pod.ts'
import { replicaSetKind } from './replica-set.ts'
import { clusterRoleBindingKind, roleBindingKind } from './role-binding.ts'
import { clusterRoleKind, roleKind } from './role.ts'
import { secretKind } from './secret.ts'
import { serviceAccountKind } from './service-account.ts'
import { serviceCIDRKind } from './service-cidr.ts'
import { serviceKind } from './service.ts'

export type {
  Admission,
  Companion,
  KindDefinition,
  ScaleDefinition,
  StoreReader,
  TableColumn,
  TableDefinition,
  ViewDefinition,
  WriteContext,
} from './kind.ts'

export type KindsOptions = {
  /** The first one gives the cluster's default family. */
  readonly serviceCIDRs: readonly string[]
  readonly nodePortRange?: { readonly first: number; readonly last: number }
  /** 0 ≤ value < 1; which free address or port is taken. */
  readonly random?: () => number
  /** Two stored Services claim the same address or port; reported while `restored` runs. */
  readonly onCollision?: (collision: { service: string; what: string; problem: string }) => void
}

export type Kinds = { readonly kinds: readonly KindDefinition[]; readonly services: ServiceAllocator }

export function createKinds(options: KindsOptions): readonly KindDefinition[] {
  return createKindsWithAllocator(options).kinds
}

/** `services`: what the kinds allocate from, for those who repair it. */
export function createKindsWithAllocator(options: KindsOptions): Kinds {
  const range = options.nodePortRange
  const services = createServiceAllocator({
    serviceCIDRs: options.serviceCIDRs,
    random: options.random ?? Math.random,
    ...(range !== undefined && { nodePortRange: range }),
  })
  const onCollision = options.onCollision ?? ((): void => undefined)
  return { services, kinds: kindsOver(services, onCollision) }
}

function kindsOver(
  services: ServiceAllocator,
  onCollision: NonNullable<KindsOptions['onCollision']>,
): readonly KindDefinition[] {
  return [
    namespaceKind,
    nodeKind,
    podKind,
    // In this order at start: ranges, who has an address of them, and what else an address is kept for.
    serviceCIDRKind(services),
    serviceKind(services, onCollision),
    ipAddressKind(services),
    endpointsKind,
    configMapKind,
    secretKind,
    serviceAccountKind,
    eventKind,
    endpointSliceKind,
    leaseKind,
    eventV1Kind,
    ingressKind,
    ingressClassKind,
    deploymentKind,
    replicaSetKind,
    roleKind,
    roleBindingKind,
    clusterRoleKind,
    clusterRoleBindingKind,
    customResourceDefinitionKind,
  ]
}
