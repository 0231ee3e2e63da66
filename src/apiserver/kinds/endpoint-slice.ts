import type { EndpointPort, EndpointSlice } from '#api'
import { defaultEndpointSlice, ENDPOINTSLICES, validateEndpointSlice, validateEndpointSliceUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, shortList, textColumn, UNSET } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const endpointSliceKind = defineKind<EndpointSlice>({
  info: ENDPOINTSLICES,
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
  message: 'k8s.io.api.discovery.v1.EndpointSlice',
  hasGeneration: true,
  generationFollowsLabels: true,
  defaults: defaultEndpointSlice,
  validate: validateEndpointSlice,
  validateUpdate: validateEndpointSliceUpdate,
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('AddressType', 'Kind of address all its endpoints have'),
      textColumn('Ports', 'Ports every endpoint serves'),
      textColumn('Endpoints', 'Addresses of the endpoints, ready or not'),
      AGE_COLUMN,
    ],
    cells: ({ metadata, addressType, ports, endpoints }, now) => [
      metadata.name,
      addressType ?? '',
      shortList((ports ?? []).map(portText), UNSET),
      shortList(
        (endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []),
        UNSET,
      ),
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})

/** Without a number a port stands for all ports. */
function portText({ port, name }: EndpointPort): string {
  return port === undefined ? (name === undefined || name === '' ? '*' : name) : String(port)
}
