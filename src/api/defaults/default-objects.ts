/**
 * Defaults of the small kinds (core/v1/defaults.go, discovery/v1/defaults.go). All are idempotent and leave values of a
 * wrong type alone: judging those is validation's business.
 */
import type { Node, Secret } from '../cluster-objects.ts'
import type { EndpointPort, Endpoints, EndpointSlice, EndpointSubset } from '../endpoints.ts'
import { isRecord } from '../validation/read-value.ts'

/** `stringData` is write-only: folded into `data`, which it overrides. */
export function defaultSecret(secret: Secret): Secret {
  const { stringData, ...rest } = secret
  const encoded = Object.entries(isRecord(stringData) ? stringData : {}).map(
    ([key, text]) => [key, Buffer.from(String(text), 'utf8').toString('base64')] as const,
  )
  const data = { ...rest.data, ...Object.fromEntries(encoded) }
  const type = rest.type === undefined || rest.type === '' ? 'Opaque' : rest.type
  return { ...rest, ...(Object.keys(data).length > 0 && { data }), type }
}

export function defaultEndpoints(endpoints: Endpoints): Endpoints {
  if (!Array.isArray(endpoints.subsets)) return endpoints
  const subsets = (endpoints.subsets as readonly EndpointSubset[]).map((subset) =>
    isRecord(subset) && Array.isArray(subset.ports) ? { ...subset, ports: subset.ports.map(withProtocol) } : subset,
  )
  return { ...endpoints, subsets }
}

/** Empty lists read back as null, as the real server answers them. */
export function defaultEndpointSlice(slice: EndpointSlice): EndpointSlice {
  const { endpoints, ports } = slice
  const named = (port: EndpointPort): EndpointPort =>
    isRecord(port) ? { ...withProtocol(port), name: port.name ?? '' } : port
  return {
    ...slice,
    endpoints: Array.isArray(endpoints) && endpoints.length === 0 ? null : (endpoints ?? null),
    ports: !Array.isArray(ports) ? (ports ?? null) : ports.length === 0 ? null : (ports as EndpointPort[]).map(named),
  }
}

/** `podCIDR` and the first of `podCIDRs` are one value under two names. */
export function defaultNode(node: Node): Node {
  const { spec } = node
  if (!isRecord(spec)) return node
  const first: unknown = Array.isArray(spec.podCIDRs) ? spec.podCIDRs[0] : undefined
  if (typeof spec.podCIDR === 'string' && spec.podCIDR !== '' && first === undefined) {
    return { ...node, spec: { ...spec, podCIDRs: [spec.podCIDR] } }
  }
  if ((spec.podCIDR === undefined || spec.podCIDR === '') && typeof first === 'string') {
    return { ...node, spec: { ...spec, podCIDR: first } }
  }
  return node
}

function withProtocol<T extends EndpointPort>(port: T): T {
  if (!isRecord(port) || (port.protocol !== undefined && (port.protocol as string) !== '')) return port
  return { ...port, protocol: 'TCP' }
}
