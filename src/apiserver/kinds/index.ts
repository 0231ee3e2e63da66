/** The kinds this server keeps. Adding one means adding its file and naming it here, nothing else. */
import { createServiceAllocator } from '#allocators'
import { configMapKind } from './config-map.ts'
import { endpointSliceKind } from './endpoint-slice.ts'
import { endpointsKind } from './endpoints.ts'
import { eventKind } from './event.ts'
import type { KindDefinition } from './kind.ts'
import { leaseKind } from './lease.ts'
import { namespaceKind } from './namespace.ts'
import { nodeKind } from './node.ts'
import { podKind } from './pod.ts'
import { secretKind } from './secret.ts'
import { serviceAccountKind } from './service-account.ts'
import { serviceKind } from './service.ts'

export type { Admission, KindDefinition, StoreReader, TableColumn, TableDefinition, WriteContext } from './kind.ts'

export type KindsOptions = {
  /** The first one gives the cluster's default family. */
  readonly serviceCIDRs: readonly string[]
  readonly nodePortRange?: { readonly first: number; readonly last: number }
  /** 0 ≤ value < 1; which free address or port is taken. */
  readonly random?: () => number
  /** Two stored Services claim the same address or port; reported while `restored` runs. */
  readonly onCollision?: (collision: { service: string; what: string; problem: string }) => void
}

export function createKinds(options: KindsOptions): readonly KindDefinition[] {
  const range = options.nodePortRange
  const services = createServiceAllocator({
    serviceCIDRs: options.serviceCIDRs,
    random: options.random ?? Math.random,
    ...(range !== undefined && { nodePortRange: range }),
  })
  return [
    namespaceKind,
    nodeKind,
    podKind,
    serviceKind(services, options.onCollision ?? ((): void => undefined)),
    endpointsKind,
    configMapKind,
    secretKind,
    serviceAccountKind,
    eventKind,
    endpointSliceKind,
    leaseKind,
  ]
}
