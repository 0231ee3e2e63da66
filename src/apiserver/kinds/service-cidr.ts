/**
 * Ranges for the cluster IPs of Services. A range is in use from the commit that creates it until it is being deleted; it
 * goes when no address is left that only it has (KEP-1880; the finalizer is taken away by `keepAddresses`).
 */
import type { ServiceAllocator } from '#allocators'
import type { Condition, ServiceCIDR } from '#api'
import { SERVICECIDRS, validateServiceCIDR, validateServiceCIDRUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, textColumn } from '../tables/index.ts'
import { defineKind, withMeta } from './define-kind.ts'
import type { KindDefinition } from './kind.ts'

export const RANGE_FINALIZER = 'networking.k8s.io/service-cidr-finalizer'

export function serviceCIDRKind(allocator: ServiceAllocator): KindDefinition {
  const use = (range: ServiceCIDR): void => {
    const holder = holderOf(range)
    const inUse = range.metadata.deletionTimestamp === undefined
    for (const cidr of range.spec?.cidrs ?? []) {
      if (inUse) allocator.addRange(holder, cidr)
      else allocator.dropRange(holder, cidr)
    }
  }
  return defineKind<ServiceCIDR>({
    info: SERVICECIDRS,
    schema: 'io.k8s.api.networking.v1.ServiceCIDR',
    message: 'k8s.io.api.networking.v1.ServiceCIDR',
    hasStatus: true,
    prepareForCreate: (range, { now }) => {
      const finalizers = new Set([...(range.metadata.finalizers ?? []), RANGE_FINALIZER])
      const ready: Condition = {
        type: 'Ready',
        status: 'True',
        reason: '',
        message: 'Kubernetes Service CIDR is ready',
        lastTransitionTime: now,
      }
      return { ...withMeta(range, { finalizers: [...finalizers] }), status: { conditions: [ready] } }
    },
    validate: validateServiceCIDR,
    validateUpdate: validateServiceCIDRUpdate,
    allocate: (range) => ({ object: range, commit: () => use(range) }),
    beforeDelete: (range, _options, { now }) => {
      const { deletionTimestamp, finalizers } = range.metadata
      if (!(finalizers ?? []).includes(RANGE_FINALIZER)) return undefined
      if (deletionTimestamp !== undefined) return { deferred: range }
      const going = withMeta(range, { deletionTimestamp: now, deletionGracePeriodSeconds: 0 })
      // From here on nobody may be given an address that would keep the range from going.
      use(going)
      const text =
        'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
      const waiting: Condition = {
        type: 'Ready',
        status: 'False',
        reason: 'Terminating',
        message: text,
        lastTransitionTime: now,
      }
      return { deferred: { ...going, status: { conditions: [waiting] } } }
    },
    released: (range) => use(withMeta(range, { deletionTimestamp: range.metadata.deletionTimestamp ?? '' })),
    restored: use,
    table: {
      columns: [NAME_COLUMN, textColumn('CIDRs', 'Ranges, at most one of each IP family'), AGE_COLUMN],
      cells: ({ metadata, spec }, now) => [
        metadata.name,
        (spec?.cidrs ?? []).join(','),
        ageSince(metadata.creationTimestamp, now),
      ],
    },
  })
}

function holderOf({ metadata }: ServiceCIDR): string {
  return `range ${metadata.uid ?? ''}`
}
