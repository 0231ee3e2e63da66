/**
 * Distributes wanted endpoints over EndpointSlices with as few writes as possible (k8s.io/endpointslice reconciler.go,
 * api-server.md 15.1). Pure. Never rebalances: a slice is written only if an endpoint in it changed, or to take new ones.
 *
 * Used for endpoints of pods and for mirrored ones; what differs comes in as `PackRequest`.
 */
import type { Endpoint, EndpointPort, EndpointSlice } from '#api'
import { compareText } from '#lib'
import { portsKey } from './resolve-ports.ts'
import { sameEndpoint } from './same-endpoint.ts'

export type EndpointGroup = { readonly ports: readonly EndpointPort[]; readonly endpoints: readonly Endpoint[] }

export type PackRequest = {
  /** Slices of one owner and one address type. */
  readonly existing: readonly EndpointSlice[]
  /** One a distinct port list. */
  readonly groups: readonly EndpointGroup[]
  /** A new slice of this owner and address type, with an empty name, for these ports. */
  readonly blank: (ports: readonly EndpointPort[]) => EndpointSlice
  /** The slice with the labels and annotations it should have; the same object if it has them. */
  readonly relabel: (slice: EndpointSlice) => EndpointSlice
  readonly limit: number
}

export type SliceChanges = {
  readonly create: readonly EndpointSlice[]
  readonly update: readonly EndpointSlice[]
  readonly delete: readonly EndpointSlice[]
}

export function packSlices(request: PackRequest): SliceChanges {
  const byPorts = new Map<string, EndpointSlice[]>()
  for (const slice of [...request.existing].sort((a, b) => compareText(a.metadata.name, b.metadata.name))) {
    const key = portsKey(slice.ports)
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice])
  }
  const changes = { create: [] as EndpointSlice[], update: [] as EndpointSlice[], delete: [] as EndpointSlice[] }
  for (const group of request.groups) {
    if (group.endpoints.length === 0) continue
    const key = portsKey(group.ports)
    packGroup(request, { group, existing: byPorts.get(key) ?? [] }, changes)
    byPorts.delete(key)
  }
  for (const unwanted of byPorts.values()) changes.delete.push(...unwanted)
  return reuseDeleted(changes)
}

type Open = { readonly slice: EndpointSlice; readonly endpoints: Endpoint[]; changed: boolean }
type Changes = { create: EndpointSlice[]; update: EndpointSlice[]; delete: EndpointSlice[] }

function packGroup(
  request: PackRequest,
  work: { readonly group: EndpointGroup; readonly existing: readonly EndpointSlice[] },
  changes: Changes,
): void {
  const wanted = new Map(work.group.endpoints.map((endpoint) => [endpoint.addresses[0] ?? '', endpoint]))
  const kept = work.existing.map((slice) => keepWanted(request, slice, wanted))
  const emptied = kept.filter((open) => open.changed && open.endpoints.length === 0 && hadEndpoints(open.slice))
  const rest = [...wanted.values()]
  const open = kept.filter((one) => !emptied.includes(one))

  const written = open.filter((one) => one.changed).sort((a, b) => b.endpoints.length - a.endpoints.length)
  for (const target of written) fill(target, rest, request.limit)
  while (rest.length > 0) {
    const target = rest.length < request.limit ? tightestFit(open, rest.length, request.limit) : undefined
    if (target === undefined) {
      const endpoints = rest.splice(0, request.limit)
      changes.create.push({ ...request.blank(work.group.ports), endpoints })
    } else fill(target, rest, request.limit)
  }
  for (const one of open) {
    if (one.changed) changes.update.push({ ...request.relabel(one.slice), endpoints: one.endpoints })
  }
  changes.delete.push(...emptied.map((one) => one.slice))
}

/** Keeps what is still wanted, in its new state, and takes it off the list. */
function keepWanted(request: PackRequest, slice: EndpointSlice, wanted: Map<string, Endpoint>): Open {
  let changed = request.relabel(slice) !== slice
  const endpoints: Endpoint[] = []
  for (const endpoint of slice.endpoints ?? []) {
    const address = endpoint.addresses?.[0] ?? ''
    const next = wanted.get(address)
    if (next === undefined) {
      changed = true
      continue
    }
    wanted.delete(address)
    endpoints.push(next)
    if (!sameEndpoint(next, endpoint)) changed = true
  }
  return { slice, endpoints, changed }
}

function fill(target: Open, rest: Endpoint[], limit: number): void {
  const room = Math.max(0, limit - target.endpoints.length)
  if (room === 0 || rest.length === 0) return
  target.endpoints.push(...rest.splice(0, room))
  target.changed = true
}

/** The unwritten slice that the rest fills best, if it fits into one. */
function tightestFit(open: readonly Open[], count: number, limit: number): Open | undefined {
  const fitting = open.filter((one) => !one.changed && one.endpoints.length + count <= limit)
  return fitting.sort((a, b) => b.endpoints.length - a.endpoints.length)[0]
}

function hadEndpoints(slice: EndpointSlice): boolean {
  return (slice.endpoints ?? []).length > 0
}

/** A slice to create and one to delete make one update: consumers never see the gap in between. */
function reuseDeleted(changes: Changes): SliceChanges {
  while (changes.create.length > 0 && changes.delete.length > 0) {
    const next = changes.create.pop()
    const old = changes.delete.shift()
    if (next === undefined || old === undefined) break
    const { name: _blank, generateName: _prefix, ...metadata } = next.metadata
    changes.update.push({ ...next, metadata: { ...old.metadata, ...metadata, name: old.metadata.name } })
  }
  return changes
}
