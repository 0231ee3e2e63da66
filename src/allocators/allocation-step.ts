/** What the steps of an allocation work with, and how one of them can end it. */
import type { FieldError, Service } from '#api'
import type { AllocationTransaction } from './allocation-transaction.ts'
import type { PortAllocator } from './port-allocator.ts'
import type { ServiceRanges } from './service-ranges.ts'

export type ServiceAllocation =
  | { readonly service: Service; readonly rollback: () => void; readonly commit: () => void }
  | { readonly errors: readonly FieldError[] }
  /** Not the object's fault: an exhausted pool, or a health-check port that is taken (a 500 upstream, too). */
  | { readonly failure: string }

/** A step of an allocation either succeeds or ends it. */
export type AllocationStop = Exclude<ServiceAllocation, { readonly service: Service }>

export type AllocationStep = {
  readonly owner: string
  readonly transaction: AllocationTransaction
  readonly ranges: ServiceRanges
  readonly ports: PortAllocator
}
