/**
 * The pool of one service port: what its slices offer under its name and protocol, without duplicates, in the one order
 * every rule follows (IN-24..IN-29).
 */
import type { Endpoint, EndpointPort, EndpointSlice, Protocol } from '#api'
import { canonicalAddress, compareText, familyOf, joinHostPort } from '#lib'
import type { NodeFacts } from './node-facts.ts'
import type { DiscardedEndpoint, EndpointModel, Problem } from './types.ts'

export type CollectInput = {
  /** Slices of the right family only. */
  readonly slices: readonly EndpointSlice[]
  readonly portName: string
  readonly protocol: Protocol
  readonly node: NodeFacts
}

export type Collected = {
  readonly pool: readonly EndpointModel[]
  readonly discarded: readonly DiscardedEndpoint[]
  readonly problems: readonly Problem[]
}

const NO_HINTS: readonly string[] = []

export function collectEndpoints(input: CollectInput): Collected {
  const byKey = new Map<string, EndpointModel>()
  const discarded: DiscardedEndpoint[] = []
  const problems: Problem[] = []
  for (const slice of input.slices) {
    const name = slice.metadata.name
    const ports = (slice.ports ?? []).filter((port) => matches(port, input))
    if (ports.length === 0) {
      const offered = (slice.ports ?? []).map((port) => `${port.name ?? '?'}/${port.protocol ?? 'TCP'}`)
      for (const endpoint of slice.endpoints ?? []) {
        const address = endpoint.addresses[0]
        discarded.push({
          slice: name,
          ...(address === undefined ? {} : { address }),
          reason: { code: 'port-name-mismatch', offered },
        })
      }
      continue
    }
    for (const [index, endpoint] of (slice.endpoints ?? []).entries()) {
      const written = endpoint.addresses?.[0]
      if (written === undefined) {
        discarded.push({ slice: name, reason: { code: 'no-address' } })
        continue
      }
      const address = canonicalAddress(written)
      if (address === undefined || familyOf(address) !== slice.addressType) {
        discarded.push({ slice: name, address: written, reason: { code: 'invalid-address' } })
        problems.push({
          code: 'invalid-endpoint-address',
          object: describe(slice),
          field: `endpoints[${index}].addresses[0]`,
          message: `"${written}" is not an ${slice.addressType} address`,
        })
        continue
      }
      for (const port of ports) {
        const model = endpointModel({ endpoint, address, port: port.port ?? 0, slice: name, node: input.node })
        keepBetter(byKey, model, discarded)
      }
    }
  }
  return { pool: [...byKey.values()].sort((a, b) => compareText(a.key, b.key)), discarded, problems }
}

/** Problems of a slice's port list: reported once a slice, not once a service port. */
export function slicePortProblems(slice: EndpointSlice): Problem[] {
  return (slice.ports ?? []).flatMap((port, index): Problem[] => {
    const field = `ports[${index}]`
    if (port.name === undefined) {
      return [{ code: 'unnamed-endpoint-port', object: describe(slice), field, message: 'name is not set' }]
    }
    // 0 and nil are legal ("all ports"), and ignored.
    if (port.port === undefined || port.port === 0 || isPort(port.port)) return []
    return [
      { code: 'invalid-endpoint-port', object: describe(slice), field, message: `${port.port} is not a port number` },
    ]
  })
}

function matches(port: EndpointPort, input: CollectInput): boolean {
  return port.name === input.portName && (port.protocol ?? 'TCP') === input.protocol && isPort(port.port)
}

function isPort(port: number | undefined): boolean {
  return port !== undefined && Number.isInteger(port) && port >= 1 && port <= 65535
}

function endpointModel(from: {
  endpoint: Endpoint
  address: string
  port: number
  slice: string
  node: NodeFacts
}): EndpointModel {
  const { endpoint, address, port, slice, node } = from
  const { nodeName, zone, targetRef, hints } = endpoint
  return {
    key: joinHostPort(address, port),
    address,
    port,
    local: node.name !== '' && nodeName === node.name,
    ready: endpoint.conditions?.ready ?? true,
    serving: endpoint.conditions?.serving ?? true,
    terminating: endpoint.conditions?.terminating ?? false,
    nodeHints: hints?.forNodes?.map((hint) => hint.name) ?? NO_HINTS,
    zoneHints: hints?.forZones?.map((hint) => hint.name) ?? NO_HINTS,
    slice,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(targetRef?.name === undefined ? {} : { target: `${targetRef.kind ?? 'Pod'}/${targetRef.name}` }),
  }
}

/**
 * Two slices may list one address while an endpoint moves between them (IN-28): one that is not terminating beats one
 * that is, ready beats not ready, and otherwise the first in slice-name order stays.
 */
function keepBetter(byKey: Map<string, EndpointModel>, next: EndpointModel, discarded: DiscardedEndpoint[]): void {
  const seen = byKey.get(next.key)
  if (seen === undefined) {
    byKey.set(next.key, next)
    return
  }
  const [winner, loser] = rank(next) > rank(seen) ? [next, seen] : [seen, next]
  byKey.set(next.key, winner)
  discarded.push({
    slice: loser.slice,
    address: loser.address,
    reason: { code: 'duplicate-of', key: winner.key, slice: winner.slice },
  })
}

function rank(endpoint: EndpointModel): number {
  return (endpoint.terminating ? 0 : 2) + (endpoint.ready ? 1 : 0)
}

function describe(slice: EndpointSlice): string {
  return `EndpointSlice ${slice.metadata.namespace ?? 'default'}/${slice.metadata.name}`
}
