/**
 * Who claims what. A claim stands as long as one service makes it, and is filled as the first of them by key wants it: the
 * same answer whatever the order of events (kubernetes #69599, UP-15: two services with one external address take turns
 * there).
 */
import type { FragmentChange, ServiceKey } from '#backends/shared'
import { compareText } from '#lib'
import type { ClaimKey, Fragment, Item } from './program.ts'

type Claimant = { readonly service: ServiceKey; readonly items: readonly Item[] }

/** In order of their keys; nearly all claims have one claimant. */
export type Claimants = readonly Claimant[]

export type Owners = ReadonlyMap<ClaimKey, Claimants>

/** New claimants of the claims it names; none left is an empty list. */
export type OwnersUpdate = ReadonlyMap<ClaimKey, Claimants>

const NOBODY: Claimants = []

export function ownersOf(services: ReadonlyMap<ServiceKey, Fragment>): Map<ClaimKey, Claimants> {
  const owners = new Map<ClaimKey, Claimant[]>()
  for (const service of [...services.keys()].sort(compareText)) {
    for (const [key, items] of services.get(service) ?? []) {
      const known = owners.get(key)
      if (known === undefined) owners.set(key, [{ service, items }])
      else known.push({ service, items })
    }
  }
  return owners
}

export function claimantsOf(owners: Owners, key: ClaimKey): Claimants {
  return owners.get(key) ?? NOBODY
}

/** What stands there. */
export function itemsOf(claimants: Claimants): readonly Item[] {
  return claimants[0]?.items ?? []
}

/** Claims that the changes add, drop or fill differently. */
export function updateOwners(owners: Owners, changes: readonly FragmentChange<Fragment>[]): OwnersUpdate {
  const update = new Map<ClaimKey, Claimants>()
  for (const { key: service, before, after } of changes) {
    const put = (key: ClaimKey, items: readonly Item[] | undefined): void => {
      const others = (update.get(key) ?? claimantsOf(owners, key)).filter((one) => one.service !== service)
      if (items !== undefined) others.push({ service, items })
      update.set(key, others.length > 1 ? others.sort((a, b) => compareText(a.service, b.service)) : others)
    }
    for (const [key, items] of after ?? []) put(key, items)
    for (const key of before?.keys() ?? []) if (after?.has(key) !== true) put(key, undefined)
  }
  return update
}

/** `owners` with the update in it, changed in place. */
export function takeOver(owners: Map<ClaimKey, Claimants>, update: OwnersUpdate): void {
  for (const [key, claimants] of update) {
    if (claimants.length === 0) owners.delete(key)
    else owners.set(key, claimants)
  }
}
