import type { IngressClass } from '#api'
import { defaultIngressClass, INGRESSCLASSES, validateIngressClass, validateIngressClassUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, NONE, textColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const ingressClassKind = defineKind<IngressClass>({
  info: INGRESSCLASSES,
  schema: 'io.k8s.api.networking.v1.IngressClass',
  message: 'k8s.io.api.networking.v1.IngressClass',
  hasGeneration: true,
  defaults: defaultIngressClass,
  validate: validateIngressClass,
  validateUpdate: validateIngressClassUpdate,
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('Controller', 'Who serves Ingresses of this class'),
      textColumn('Parameters', 'Object with more settings for the controller'),
      AGE_COLUMN,
    ],
    cells: ({ metadata, spec }, now) => [
      metadata.name,
      spec?.controller ?? '',
      parametersText(spec?.parameters),
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})

function parametersText(parameters: NonNullable<IngressClass['spec']>['parameters']): string {
  if (parameters === undefined) return NONE
  const { apiGroup = '', kind, name } = parameters
  return `${apiGroup === '' ? kind : `${kind}.${apiGroup}`}/${name}`
}
