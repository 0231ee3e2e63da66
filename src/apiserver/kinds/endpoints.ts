import type { Endpoints } from '#api'
import { defaultEndpoints, ENDPOINTS, validateEndpoints, validateEndpointsUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, NONE, shortList, subsetEndpoints, textColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const endpointsKind = defineKind<Endpoints>({
  info: ENDPOINTS,
  schema: 'io.k8s.api.core.v1.Endpoints',
  message: 'k8s.io.api.core.v1.Endpoints',
  createOnUpdate: true,
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  defaults: defaultEndpoints,
  validate: validateEndpoints,
  validateUpdate: validateEndpointsUpdate,
  table: {
    columns: [NAME_COLUMN, textColumn('Endpoints', 'Ready addresses with their ports'), AGE_COLUMN],
    cells: ({ metadata, subsets }, now) => [
      metadata.name,
      shortList(subsetEndpoints(subsets), NONE),
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})
