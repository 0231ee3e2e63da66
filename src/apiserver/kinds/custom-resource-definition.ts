/** CustomResourceDefinitions. What they define is served from the commit on; see the folder `custom`. */
import type { Condition, CustomResourceDefinition } from '#api'
import {
  CUSTOMRESOURCEDEFINITIONS,
  validateCustomResourceDefinition,
  validateCustomResourceDefinitionUpdate,
} from '#api'
import { CREATED_COLUMN, NAME_COLUMN } from '../tables/index.ts'
import { defineKind, withMeta } from './define-kind.ts'

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'
const SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition'

export const customResourceDefinitionKind = defineKind<CustomResourceDefinition>({
  info: CUSTOMRESOURCEDEFINITIONS,
  schema: SCHEMA,
  message: '',
  hasStatus: true,
  hasGeneration: true,
  defaults: (definition) => {
    const { spec } = definition
    const { kind } = spec?.names ?? {}
    if (typeof kind !== 'string' || kind === '') return definition
    const names = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...spec.names }
    return { ...definition, spec: { conversion: { strategy: 'None' }, ...spec, names } }
  },
  prepareForCreate: (definition, { now }) => established({ ...definition, status: {} }, now),
  prepareForUpdate: (definition, _old, { now }) => established(definition, now),
  validate: validateCustomResourceDefinition,
  validateUpdate: validateCustomResourceDefinitionUpdate,
  beforeDelete: (definition, _options, { now }) => {
    const { finalizers = [], deletionTimestamp } = definition.metadata
    if (deletionTimestamp !== undefined) return finalizers.length > 0 ? { deferred: definition } : undefined
    const held = [...new Set([...finalizers, CLEANUP_FINALIZER])]
    const going = withMeta(definition, { finalizers: held, deletionTimestamp: now, deletionGracePeriodSeconds: 0 })
    const terminating = condition(
      'Terminating',
      ['InstanceDeletionPending', 'CustomResource objects are being deleted'],
      now,
    )
    const conditions = [...(definition.status?.conditions ?? []), terminating]
    return { deferred: { ...going, status: { ...definition.status, conditions } } }
  },
  table: {
    columns: [NAME_COLUMN, CREATED_COLUMN],
    cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? ''],
  },
})

/** There is nobody else whose names it could clash with, so that what is stored is established. */
function established(definition: CustomResourceDefinition, now: string): CustomResourceDefinition {
  const { spec, status } = definition
  const storage = spec?.versions?.find?.((version) => version.storage)?.name
  const known = status?.storedVersions ?? []
  const storedVersions = storage === undefined || known.includes(storage) ? known : [...known, storage]
  const conditions = status?.conditions ?? [
    condition('NamesAccepted', ['NoConflicts', 'no conflicts found'], now),
    condition('Established', ['InitialNamesAccepted', 'the initial names have been accepted'], now),
  ]
  return {
    ...definition,
    status: { ...status, conditions, storedVersions, acceptedNames: spec?.names ?? { plural: '', kind: '' } },
  }
}

function condition(type: string, [reason, message]: readonly [string, string], now: string): Condition {
  return { type, status: 'True', lastTransitionTime: now, reason, message }
}
