/**
 * Everything DNS knows of one service, computed once from the Service and its EndpointSlices whenever one of them
 * changes. Pure and keyed by service; the answers only pick from it.
 *
 * Endpoints count when `ready` is true or unset: `publishNotReadyAddresses` and terminating endpoints are decided by
 * the EndpointSlice controller, which sets that condition (k8s.io/endpointslice utils.go), never here.
 */
import type { Endpoint, EndpointSlice, Service } from '#api'
import { canonicalAddress } from '#lib'
import type { Name, RecordData } from '../wire/index.ts'
import { addressBytes, nameFromText, TYPE } from '../wire/index.ts'

export type Address = {
  readonly text: string
  /** A or AAAA. */
  readonly type: number
  readonly data: RecordData
}

export type PortRecord = {
  readonly name: string
  readonly protocol: string
  /** -1 stands for "no ports known": addresses can be answered, SRV cannot. */
  readonly number: number
}

export type EndpointRecord = {
  /** The label in front of the service's name. */
  readonly label: string
  readonly address: Address
  readonly ports: readonly PortRecord[]
}

export type ServiceRecords = {
  /** `namespace/name` */
  readonly key: string
  readonly namespace: string
  readonly service: string
  readonly kind: 'ClusterIP' | 'Headless' | 'ExternalName'
  readonly clusterAddresses: readonly Address[]
  readonly ports: readonly PortRecord[]
  readonly externalName: string
  /** Undefined where `externalName` cannot be the target of a CNAME. */
  readonly externalTarget: Name | undefined
  /** One per ready address and slice; duplicates are kept, they count in SRV weights. */
  readonly endpoints: readonly EndpointRecord[]
  /** Labels of endpoints that are known but not ready. */
  readonly notReady: readonly string[]
  /** What a plain A or AAAA query gets: the ClusterIPs, or a headless service's endpoints without duplicates. */
  readonly a: readonly RecordData[]
  readonly aaaa: readonly RecordData[]
}

const NO_LABELS: readonly string[] = []
const NO_DATA: readonly RecordData[] = []
const NO_PORTS: readonly PortRecord[] = [{ name: '', protocol: '', number: -1 }]

export function recordsFor(
  service: Service,
  slices: readonly EndpointSlice[],
  options: { readonly endpointPodNames: boolean; readonly key: string },
): ServiceRecords {
  const { spec, metadata } = service
  const kind = kindOf(service)
  const clusterAddresses = kind === 'ClusterIP' ? clusterAddressesOf(service) : []
  const { endpoints, notReady } = kind === 'ExternalName' ? NOTHING : endpointsOf(slices, options.endpointPodNames)
  const plain = kind === 'Headless' ? endpoints.map((endpoint) => endpoint.address) : clusterAddresses
  const externalName = kind === 'ExternalName' ? (spec.externalName ?? '') : ''
  return {
    key: options.key,
    namespace: metadata.namespace ?? '',
    service: metadata.name,
    kind,
    clusterAddresses,
    ports: portsOf(spec.ports),
    externalName,
    externalTarget: canonicalAddress(externalName) === undefined ? nameFromText(externalName) : undefined,
    endpoints,
    notReady,
    a: distinctData(plain, TYPE.A),
    aaaa: distinctData(plain, TYPE.AAAA),
  }
}

const NOTHING: { endpoints: readonly EndpointRecord[]; notReady: readonly string[] } = { endpoints: [], notReady: [] }

function kindOf(service: Service): ServiceRecords['kind'] {
  const { type, clusterIP, clusterIPs } = service.spec
  if (type === 'ExternalName') return 'ExternalName'
  return (clusterIP ?? clusterIPs?.[0]) === 'None' ? 'Headless' : 'ClusterIP'
}

function clusterAddressesOf(service: Service): Address[] {
  const { clusterIP, clusterIPs } = service.spec
  const texts =
    clusterIPs !== undefined && clusterIPs.length > 0 ? clusterIPs : clusterIP === undefined ? [] : [clusterIP]
  return texts.map(addressOf).filter((address) => address !== undefined)
}

/** Canonical whatever the object's spelling, so that reverse lookup and endpoint labels do not depend on it. */
export function addressOf(text: string): Address | undefined {
  const canonical = canonicalAddress(text)
  if (canonical === undefined) return undefined
  // One string where they are equal: the object's own is kept anyway.
  const kept = canonical === text ? text : canonical
  return {
    text: kept,
    type: canonical.includes(':') ? TYPE.AAAA : TYPE.A,
    data: { kind: 'address', bytes: addressBytes(canonical) },
  }
}

function portsOf(
  ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[] | null | undefined,
): readonly PortRecord[] {
  const known = (ports ?? []).filter((port) => port.port !== undefined && port.port !== null)
  if (known.length === 0) return NO_PORTS
  return shared(
    known.map((port) => ({
      name: (port.name ?? '').toLowerCase(),
      protocol: (port.protocol ?? 'TCP').toLowerCase(),
      number: port.port ?? -1,
    })),
  )
}

/** Most services have the ports of many others: one list for all of them, in a table that is emptied when it grows. */
const portLists = new Map<string, readonly PortRecord[]>()
const MAX_PORT_LISTS = 1000

function shared(ports: readonly PortRecord[]): readonly PortRecord[] {
  const key = ports.map(({ name, protocol, number }) => `${name}/${protocol}/${number}`).join()
  const known = portLists.get(key)
  if (known !== undefined) return known
  if (portLists.size >= MAX_PORT_LISTS) portLists.clear()
  portLists.set(key, ports)
  return ports
}

function endpointsOf(
  slices: readonly EndpointSlice[],
  podNames: boolean,
): { endpoints: readonly EndpointRecord[]; notReady: readonly string[] } {
  const endpoints: EndpointRecord[] = []
  const notReady: string[] = []
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue
    const ports = portsOf(slice.ports)
    for (const endpoint of slice.endpoints ?? []) {
      for (const text of endpoint.addresses) {
        const address = addressOf(text)
        if (address === undefined) continue
        const label = labelOf(endpoint, address.text, podNames)
        if (endpoint.conditions?.ready ?? true) endpoints.push({ label, address, ports })
        else notReady.push(label)
      }
    }
  }
  return { endpoints, notReady: notReady.length === 0 ? NO_LABELS : notReady }
}

/** hostname, else (if asked for) the pod's name, else the address with dashes. */
function labelOf(endpoint: Endpoint, address: string, podNames: boolean): string {
  if (endpoint.hostname !== undefined && endpoint.hostname !== '') return endpoint.hostname.toLowerCase()
  const pod = endpoint.targetRef?.name
  if (podNames && pod !== undefined && pod !== '' && pod.length < 64) return pod.toLowerCase()
  return dashedAddress(address)
}

/** `10-1-0-3`, `fd00-1--5`; a label must not end in a dash, so `fd00:1:2:3::` becomes `fd00-1-2-3--0`. */
export function dashedAddress(address: string): string {
  const dashed = address.replaceAll(/[.:]/g, '-')
  return dashed.endsWith('-') ? `${dashed}0` : dashed
}

function distinctData(addresses: readonly Address[], type: number): readonly RecordData[] {
  if (!addresses.some((address) => address.type === type)) return NO_DATA
  const seen = new Map<string, RecordData>()
  for (const address of addresses) if (address.type === type) seen.set(address.text, address.data)
  return [...seen.values()]
}
