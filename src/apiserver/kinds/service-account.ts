import type { ServiceAccount } from '#api'
import { SERVICEACCOUNTS } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const serviceAccountKind = defineKind<ServiceAccount>({
  info: SERVICEACCOUNTS,
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  message: 'k8s.io.api.core.v1.ServiceAccount',
  deleteReturnsObject: true,
  table: {
    columns: [NAME_COLUMN, AGE_COLUMN],
    cells: ({ metadata }, now) => [metadata.name, ageSince(metadata.creationTimestamp, now)],
  },
})
