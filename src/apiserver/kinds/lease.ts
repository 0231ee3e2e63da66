import type { Lease } from '#api'
import { LEASES, validateLease } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, textColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const leaseKind = defineKind<Lease>({
  info: LEASES,
  schema: 'io.k8s.api.coordination.v1.Lease',
  message: 'k8s.io.api.coordination.v1.Lease',
  createOnUpdate: true,
  // Two holders that overwrite each other blindly would both believe they lead.
  unconditionalUpdate: false,
  validate: validateLease,
  table: {
    columns: [NAME_COLUMN, textColumn('Holder', 'Who holds the lease'), AGE_COLUMN],
    cells: ({ metadata, spec }, now) => [
      metadata.name,
      spec?.holderIdentity ?? '',
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})
