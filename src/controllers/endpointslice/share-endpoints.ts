/**
 * Hints for `service.kubernetes.io/topology-mode: Auto`: each zone is given as many endpoints as its CPU is of the whole,
 * its own first (KEP-2433, endpointslice/topologycache; api-server.md 15.2). Pure, and the same for the same endpoints.
 *
 * Unlike upstream nothing is remembered between two calculations: of a zone with too many, the last by address go.
 */
import type { Endpoint } from '#api'
import type { Family } from '#lib'
import { compareText } from '#lib'
import type { ZoneShares } from './zone-shares.ts'

export type HintReport = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled'
  readonly message: string
}

/** A zone may get this much more traffic than its share. */
const OVERLOAD = 0.2

type Zone = { readonly name: string; readonly minimum: number; readonly wanted: number; readonly endpoints: Endpoint[] }

/** The endpoints with hints; as they were, and why, where sharing them is not safe. No report: there is nothing to share. */
export function shareEndpoints(
  endpoints: readonly Endpoint[],
  of: { readonly zones: ZoneShares; readonly family: Family },
): { readonly endpoints: readonly Endpoint[]; readonly report?: HintReport } {
  const ready = endpoints
    .filter(({ conditions }) => conditions?.ready === true)
    .sort((a, b) => compareText(a.addresses[0] ?? '', b.addresses[0] ?? ''))
  if (ready.length === 0) return { endpoints }
  const disabled = (why: string): ReturnType<typeof shareEndpoints> => ({
    endpoints,
    report: { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: `${why}, addressType: ${of.family}` },
  })
  if ('problem' in of.zones) return disabled(of.zones.problem)
  const { shares } = of.zones
  const counts = `(${ready.length} endpoints, ${shares.size} zones)`
  if (shares.size > ready.length) return disabled(`Insufficient number of endpoints ${counts}`)
  const zones = zonesOf(shares, ready.length)
  const least = zones.reduce((sum, { minimum }) => sum + minimum, 0)
  if (least > ready.length) {
    const why = 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold'
    return disabled(`${why} ${counts}`)
  }
  if (ready.some(({ zone = '' }) => zone === '')) return disabled('One or more endpoints do not have a zone specified')
  const hints = distribute(zones, ready)
  return {
    endpoints: endpoints.map((endpoint) => {
      const zone = hints.get(endpoint)
      return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } }
    }),
    report: {
      type: 'Normal',
      reason: 'TopologyAwareHintsEnabled',
      message: `Topology Aware Hints has been enabled, addressType: ${of.family}`,
    },
  }
}

function zonesOf(shares: ReadonlyMap<string, number>, count: number): readonly Zone[] {
  return [...shares]
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, share]) => {
      const desired = share * count
      const minimum = Math.ceil(desired / (1 + OVERLOAD))
      return { name, minimum, wanted: Math.max(desired, minimum), endpoints: [] }
    })
}

function distribute(zones: readonly Zone[], ready: readonly Endpoint[]): ReadonlyMap<Endpoint, string> {
  // Endpoints in a zone without nodes of its own are free for those that lack some.
  const free: Endpoint[] = []
  for (const endpoint of ready) (zones.find(({ name }) => name === endpoint.zone)?.endpoints ?? free).push(endpoint)
  for (const endpoint of free) byNeed(zones).at(-1)?.endpoints.push(endpoint)
  // Each step narrows the gap between two zones, so that they come to an end.
  for (;;) {
    const giver = byNeed(zones).find(({ endpoints, minimum }) => endpoints.length > minimum)
    const taker = zones.find(({ endpoints, minimum }) => endpoints.length < minimum) ?? byNeed(zones).at(-1)
    if (giver === undefined || taker === undefined || giver === taker) break
    const mustTake = taker.endpoints.length < taker.minimum
    if (!mustTake && need(taker) - need(giver) <= 1) break
    taker.endpoints.push(giver.endpoints.pop() as Endpoint)
  }
  return new Map(zones.flatMap(({ name, endpoints }) => endpoints.map((endpoint) => [endpoint, name] as const)))
}

/** The zone with most to give first. */
function byNeed(zones: readonly Zone[]): readonly Zone[] {
  return zones.toSorted((a, b) => need(a) - need(b))
}

function need({ wanted, endpoints }: Zone): number {
  return wanted - endpoints.length
}
