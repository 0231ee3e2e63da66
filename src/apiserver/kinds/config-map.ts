import type { ConfigMap } from '#api'
import { CONFIGMAPS, validateConfigMap, validateConfigMapUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const configMapKind = defineKind<ConfigMap>({
  info: CONFIGMAPS,
  schema: 'io.k8s.api.core.v1.ConfigMap',
  message: 'k8s.io.api.core.v1.ConfigMap',
  validate: validateConfigMap,
  validateUpdate: validateConfigMapUpdate,
  table: {
    columns: [
      NAME_COLUMN,
      { name: 'Data', type: 'string', description: 'Number of keys, text and binary together', priority: 0 },
      AGE_COLUMN,
    ],
    cells: ({ metadata, data, binaryData }, now) => [
      metadata.name,
      Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})
