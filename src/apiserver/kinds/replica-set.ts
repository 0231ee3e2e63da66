/** ReplicaSets: a number of equal pods, kept by the replicaset controller. */
import type { ReplicaSet } from '#api'
import { defaultReplicaSet, REPLICASETS, selectorText, validateReplicaSet, validateReplicaSetUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, wideColumn } from '../tables/index.ts'
import { countColumn, scaleOf, templateCells } from './workload-parts.ts'
import { defineKind } from './define-kind.ts'

export const replicaSetKind = defineKind<ReplicaSet>({
  info: REPLICASETS,
  schema: 'io.k8s.api.apps.v1.ReplicaSet',
  message: 'k8s.io.api.apps.v1.ReplicaSet',
  hasStatus: true,
  hasGeneration: true,
  fields: ({ status }) => ({ 'status.replicas': String(status?.replicas ?? 0) }),
  defaults: defaultReplicaSet,
  prepareForCreate: (set) => ({ ...set, status: { replicas: 0 } }),
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
  scale: scaleOf<ReplicaSet>(),
  table: {
    columns: [
      NAME_COLUMN,
      countColumn('Desired', 'Pods that should be'),
      countColumn('Current', 'Pods that are'),
      countColumn('Ready', 'Pods that are ready'),
      AGE_COLUMN,
      wideColumn('Containers', 'Names of the containers of a pod'),
      wideColumn('Images', 'Images of the containers of a pod'),
      wideColumn('Selector', 'Labels of its pods'),
    ],
    cells: ({ metadata, spec, status }, now) => [
      metadata.name,
      spec?.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      ageSince(metadata.creationTimestamp, now),
      ...templateCells(spec?.template),
      selectorText(spec?.selector ?? {}),
    ],
  },
})
