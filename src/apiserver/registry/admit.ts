/** The last step before a write: allocation, and what to do with it when the write succeeds, fails or was only tried. */
import type { FieldError, KubeObject } from '#api'
import type { Companion, KindDefinition, WriteContext } from '../kinds/kind.ts'
import { failure, invalidObject, objectDetails, Refused } from '../status/index.ts'
import type { Change, StoredObject, Store } from '../storage/index.ts'
import { keyOf, storageName } from './registry.ts'

export type Admitted = {
  readonly object: KubeObject
  readonly rollback: () => void
  readonly commit: () => void
  /** Other objects that change in the same commit. */
  readonly also: readonly Change[]
}

const nothing = (): void => undefined

export function refuseInvalid(kind: KindDefinition, name: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new Refused(invalidObject(kind.info, name, errors))
}

export function admit(
  kind: KindDefinition,
  write: { readonly object: KubeObject; readonly old: KubeObject | undefined },
  context: WriteContext,
): Admitted {
  const { object, old } = write
  if (kind.allocate === undefined) return { object, rollback: nothing, commit: nothing, also: [] }
  const admission = kind.allocate(object, old, context)
  if ('errors' in admission) throw new Refused(invalidObject(kind.info, object.metadata.name, admission.errors))
  if ('refusal' in admission) {
    const details = objectDetails(kind.info, object.metadata.name)
    throw new Refused(failure({ ...admission.refusal, details }))
  }
  return {
    object: admission.object,
    rollback: admission.rollback ?? nothing,
    commit: admission.commit ?? nothing,
    also: companionChanges(admission.also),
  }
}

/** Unconditional: who decides on companions has seen the store in the same turn of the event loop. */
export function companionChanges(companions: readonly Companion[] = []): readonly Change[] {
  return companions.map(({ info, object, action }) => ({
    resource: storageName(info),
    key: keyOf(info, object.metadata),
    object: action === 'write' ? object : undefined,
    expect: undefined,
  }))
}

/** Stages the changes and waits until they are on disk; gives back what was allocated if they never get there. */
export function stageAdmitted(
  store: Store,
  changes: readonly Change[],
  admitted: Pick<Admitted, 'rollback' | 'commit'>,
): { readonly stored: StoredObject; readonly committed: Promise<void> } | undefined {
  const result = store.stage(changes)
  const stored = 'conflict' in result ? undefined : result.staged[0]
  if ('conflict' in result || stored === undefined) {
    admitted.rollback()
    return undefined
  }
  const committed = result.committed.then(admitted.commit, (error: unknown) => {
    admitted.rollback()
    throw error
  })
  committed.catch(nothing)
  return { stored, committed }
}
