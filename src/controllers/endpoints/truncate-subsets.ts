/** An Endpoints object holds 1000 addresses: ready ones first, each subset its share (endpoint controller truncateEndpoints). */
import type { EndpointAddress, EndpointSubset } from '#api'

export const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
const CAPACITY = 1000

export function truncateSubsets(
  subsets: readonly EndpointSubset[],
  capacity = CAPACITY,
): { readonly subsets: readonly EndpointSubset[]; readonly truncated: boolean } {
  const ready = total(subsets, 'addresses')
  const notReady = total(subsets, 'notReadyAddresses')
  if (ready + notReady <= capacity) return { subsets, truncated: false }
  const roomForNotReady = Math.max(0, capacity - ready)
  const cut = cutTo(subsets, { field: 'addresses', total: ready, room: Math.min(ready, capacity) })
  const both = cutTo(cut, { field: 'notReadyAddresses', total: notReady, room: roomForNotReady })
  return {
    subsets: both.filter((subset) => subset.addresses !== undefined || subset.notReadyAddresses !== undefined),
    truncated: true,
  }
}

type Field = 'addresses' | 'notReadyAddresses'

function total(subsets: readonly EndpointSubset[], field: Field): number {
  return subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0)
}

/** Each subset keeps its proportion, rounded up while the room lasts. */
function cutTo(
  subsets: readonly EndpointSubset[],
  share: { readonly field: Field; readonly total: number; readonly room: number },
): readonly EndpointSubset[] {
  let left = share.room
  return subsets.map((subset) => {
    const { [share.field]: addresses = [], ...rest } = subset
    const wanted = share.total === 0 ? 0 : Math.ceil((addresses.length * share.room) / share.total)
    const kept: readonly EndpointAddress[] = addresses.slice(0, Math.min(wanted, left))
    left -= kept.length
    return kept.length === 0 ? rest : { ...rest, [share.field]: kept }
  })
}
