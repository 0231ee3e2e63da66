/** Objects by the uid of their controller, and those of a namespace that have none: kept per event, never searched for. */
import type { KubeObject, OwnerReference } from '#api'
import type { Informer } from '#watch'

export interface OwnerIndex<T> {
  ownedBy(uid: string): readonly T[]
  orphansIn(namespace: string): readonly T[]
}

export function controllerOf(object: KubeObject | undefined): OwnerReference | undefined {
  return object?.metadata.ownerReferences?.find(({ controller }) => controller === true)
}

export function createOwnerIndex<T extends KubeObject>(informer: Informer<T>): OwnerIndex<T> {
  const groups = new Map<string, Map<string, T>>()
  const groupOf = (object: T): string => {
    const owner = controllerOf(object)
    return owner === undefined ? orphans(object.metadata.namespace ?? '') : `uid ${owner.uid}`
  }
  informer.onChange(({ key, before, after }) => {
    if (before !== undefined) {
      const group = groups.get(groupOf(before))
      if (group?.delete(key) === true && group.size === 0) groups.delete(groupOf(before))
    }
    if (after === undefined) return
    const group = groups.get(groupOf(after)) ?? new Map<string, T>()
    groups.set(groupOf(after), group.set(key, after))
  })
  const members = (name: string): readonly T[] => [...(groups.get(name)?.values() ?? [])]
  return {
    ownedBy: (uid) => members(`uid ${uid}`),
    orphansIn: (namespace) => members(orphans(namespace)),
  }
}

function orphans(namespace: string): string {
  return `namespace ${namespace}`
}
