/** Deployments: replace the pods of one template by those of the next, in the way their strategy says. */
import type { Deployment } from '#api'
import { defaultDeployment, DEPLOYMENTS, selectorText, validateDeployment, validateDeploymentUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, textColumn, wideColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'
import { countColumn, scaleOf, templateCells } from './workload-parts.ts'

export const deploymentKind = defineKind<Deployment>({
  info: DEPLOYMENTS,
  schema: 'io.k8s.api.apps.v1.Deployment',
  message: 'k8s.io.api.apps.v1.Deployment',
  hasStatus: true,
  hasGeneration: true,
  defaults: defaultDeployment,
  prepareForCreate: (deployment) => ({ ...deployment, status: {} }),
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  scale: scaleOf<Deployment>(),
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('Ready', 'Pods that are ready, of all that should be'),
      countColumn('Up-to-date', 'Pods made from the current template'),
      countColumn('Available', 'Pods that have been ready for long enough'),
      AGE_COLUMN,
      wideColumn('Containers', 'Names of the containers of a pod'),
      wideColumn('Images', 'Images of the containers of a pod'),
      wideColumn('Selector', 'Labels of its pods'),
    ],
    cells: ({ metadata, spec, status }, now) => [
      metadata.name,
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      ageSince(metadata.creationTimestamp, now),
      ...templateCells(spec?.template),
      selectorText(spec?.selector ?? {}),
    ],
  },
})
