/** CustomResourceDefinitions. What they define is served from the commit on; see the folder `custom`. */
import type { Condition, CustomResourceDefinition, FieldError } from '#api'
import {
  CUSTOMRESOURCEDEFINITIONS,
  validateCustomResourceDefinition,
  validateCustomResourceDefinitionUpdate,
} from '#api'
import { CREATED_COLUMN, NAME_COLUMN } from '../tables/index.ts'
import { defineKind, withMeta } from './define-kind.ts'
import type { WriteContext } from './kind.ts'

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
  validate: (definition, context) => warned(definition, validateCustomResourceDefinition(definition), context),
  validateUpdate: (definition, old, context) =>
    warned(definition, validateCustomResourceDefinitionUpdate(definition, old), context),
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

/** Rules in CEL are kept for those who read them, and the author is told that nobody here goes by them. */
function warned(
  definition: CustomResourceDefinition,
  errors: readonly FieldError[],
  context: WriteContext,
): readonly FieldError[] {
  if (errors.length > 0) return errors
  definition.spec.versions.forEach(({ schema }, i) => {
    if (!hasRules(schema?.openAPIV3Schema)) return
    context.warn(
      `spec.versions[${i}].schema: x-kubernetes-validations are kept, but this server does not evaluate them`,
    )
  })
  return errors
}

/** Of a schema that has been found valid, whose depth is bounded thereby. */
function hasRules(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasRules)
  return Object.entries(value).some(([key, part]) =>
    key === 'x-kubernetes-validations' ? Array.isArray(part) && part.length > 0 : hasRules(part),
  )
}

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
