/** Who has an address: ClusterIPs and ready endpoints, maintained one service at a time. */
import type { ServiceRecords } from './service-records.ts'

export type AddressOwner = {
  readonly records: ServiceRecords
  /** The endpoint's label; undefined: the address is a ClusterIP. */
  readonly label: string | undefined
}

export interface ReverseIndex {
  replace(before: ServiceRecords | undefined, after: ServiceRecords | undefined): void
  ownersOf(address: string): readonly AddressOwner[]
}

const NONE: readonly AddressOwner[] = []

export function createReverseIndex(): ReverseIndex {
  const owners = new Map<string, AddressOwner[]>()

  const remove = (address: string, records: ServiceRecords): void => {
    const left = owners.get(address)?.filter((owner) => owner.records !== records) ?? []
    if (left.length === 0) owners.delete(address)
    else owners.set(address, left)
  }

  const add = (address: string, owner: AddressOwner): void => {
    const list = owners.get(address)
    if (list === undefined) owners.set(address, [owner])
    else if (!list.some(({ records, label }) => records === owner.records && label === owner.label)) list.push(owner)
  }

  return {
    replace: (before, after) => {
      if (before !== undefined) {
        for (const { text } of before.clusterAddresses) remove(text, before)
        for (const { address } of before.endpoints) remove(address.text, before)
      }
      if (after !== undefined) {
        for (const { text } of after.clusterAddresses) add(text, { records: after, label: undefined })
        for (const { address, label } of after.endpoints) add(address.text, { records: after, label })
      }
    },
    ownersOf: (address) => owners.get(address) ?? NONE,
  }
}
