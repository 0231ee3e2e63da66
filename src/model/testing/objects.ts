/** Least objects for the model's tests. */
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '#api'
import type { EndpointModel } from '../types.ts'
import type { NodeFacts } from '../node-facts.ts'

export const NODE: NodeFacts = { name: 'node-1', zone: 'zone-a', addresses: [], podCIDRs: [] }

export function serviceOf(spec: ServiceSpec, rest: Partial<Service> = {}): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'ns', name: 'web' }, ...rest, spec }
}

export function sliceOf(
  endpoints: readonly Endpoint[],
  rest: Partial<EndpointSlice> & { name?: string } = {},
): EndpointSlice {
  const { name = 'web-1', ...fields } = rest
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'ns', name },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints,
    ...fields,
  }
}

/** `L` local, `R` remote; then `rdy`, `term` or `bad`; then hints: `z:a,b` zones, `n:node-1` nodes. */
export function endpointOf(address: string, words: string): EndpointModel {
  const [where = 'R', state = 'rdy', ...hints] = words.split(' ')
  const hinted = (kind: string): string[] =>
    hints.flatMap((hint) => (hint.startsWith(`${kind}:`) ? hint.slice(2).split(',') : []))
  return {
    key: `${address}:8080`,
    address,
    port: 8080,
    local: where === 'L',
    ready: state === 'rdy',
    serving: state !== 'bad',
    terminating: state === 'term',
    nodeName: where === 'L' ? 'node-1' : 'node-2',
    nodeHints: hinted('n'),
    zoneHints: hinted('z'),
    slice: 'web-1',
  }
}
