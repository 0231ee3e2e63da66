/**
 * Fills in what most kinds have in common, so that a kind's file says only what is particular to it.
 */
import type { FieldError, KubeObject, ObjectMeta } from '#api'
import { validateObjectMeta, validateObjectMetaUpdate } from '#api'
import type { KindDefinition } from './kind.ts'

type Optional =
  | 'nameRule'
  | 'hasStatus'
  | 'hasGeneration'
  | 'createOnUpdate'
  | 'unconditionalUpdate'
  | 'deleteReturnsObject'
  | 'fields'
  | 'defaults'
  | 'prepareForCreate'
  | 'prepareForUpdate'
  | 'validate'
  | 'validateUpdate'

/** Without a `validateUpdate` an update is checked as a create is. ObjectMeta is checked here, for all kinds. */
export function defineKind<T extends KubeObject>(
  kind: Omit<KindDefinition<T>, Optional> & Partial<Pick<KindDefinition<T>, Optional>>,
): KindDefinition {
  const own = kind.validate ?? ((): readonly FieldError[] => [])
  const ownUpdate = kind.validateUpdate ?? ((object, _old, context) => own(object, context))
  const rules = { namespaced: kind.info.namespaced, nameRule: kind.nameRule ?? 'subdomain' } as const
  const full: KindDefinition<T> = {
    nameRule: 'subdomain',
    hasStatus: false,
    hasGeneration: false,
    createOnUpdate: false,
    unconditionalUpdate: true,
    deleteReturnsObject: false,
    fields: () => ({}),
    defaults: (object) => object,
    prepareForCreate: (object) => object,
    prepareForUpdate: (object) => object,
    ...kind,
    validate: (object, context) => [...validateObjectMeta(object.metadata, rules), ...own(object, context)],
    validateUpdate: (object, old, context) => [
      ...validateObjectMeta(object.metadata, rules),
      ...validateObjectMetaUpdate(object.metadata, old.metadata),
      ...ownUpdate(object, old, context),
    ],
  }
  // The engine stores all kinds in one list and hands each only its own objects back.
  return full as unknown as KindDefinition
}

/** A copy without the named keys (`exactOptionalPropertyTypes` has no other way to unset). */
export function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> {
  const drop = new Set<PropertyKey>(keys)
  return Object.fromEntries(Object.entries(object).filter(([key]) => !drop.has(key))) as Omit<T, K>
}

export function withMeta<T extends KubeObject>(object: T, changes: Partial<ObjectMeta>): T {
  return { ...object, metadata: { ...object.metadata, ...changes } }
}
