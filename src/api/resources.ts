/** Which kinds there are, and under which path each is served. The single list that clients and the server share. */
export type ResourceInfo = {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Plural, lower case: the path segment. */
  readonly resource: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
}

function core(kind: string, resource: string, rest: Partial<ResourceInfo> = {}): ResourceInfo {
  const singular = kind.toLowerCase()
  return {
    group: '',
    version: 'v1',
    kind,
    resource,
    singular,
    shortNames: [],
    categories: [],
    namespaced: true,
    ...rest,
  }
}

export const NAMESPACES = core('Namespace', 'namespaces', { shortNames: ['ns'], namespaced: false })
export const NODES = core('Node', 'nodes', { shortNames: ['no'], namespaced: false })
export const PODS = core('Pod', 'pods', { shortNames: ['po'], categories: ['all'] })
export const SERVICES = core('Service', 'services', { shortNames: ['svc'], categories: ['all'] })
export const ENDPOINTS = core('Endpoints', 'endpoints', { shortNames: ['ep'] })
export const CONFIGMAPS = core('ConfigMap', 'configmaps', { shortNames: ['cm'] })
export const SECRETS = core('Secret', 'secrets')
export const SERVICEACCOUNTS = core('ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] })
export const EVENTS = core('Event', 'events', { shortNames: ['ev'] })
export const ENDPOINTSLICES = core('EndpointSlice', 'endpointslices', { group: 'discovery.k8s.io' })
export const LEASES = core('Lease', 'leases', { group: 'coordination.k8s.io' })

export const RESOURCES: readonly ResourceInfo[] = [
  NAMESPACES,
  NODES,
  PODS,
  SERVICES,
  ENDPOINTS,
  CONFIGMAPS,
  SECRETS,
  SERVICEACCOUNTS,
  EVENTS,
  ENDPOINTSLICES,
  LEASES,
]

/** `v1` or `discovery.k8s.io/v1`. */
export function apiVersionOf(info: ResourceInfo): string {
  return info.group === '' ? info.version : `${info.group}/${info.version}`
}

/** Path of a collection, or of one object when `name` is given. */
export function resourcePath(info: ResourceInfo, where: { namespace?: string; name?: string } = {}): string {
  const root = info.group === '' ? `/api/${info.version}` : `/apis/${info.group}/${info.version}`
  const scope =
    info.namespaced && where.namespace !== undefined ? `/namespaces/${encodeURIComponent(where.namespace)}` : ''
  const leaf = where.name === undefined ? '' : `/${encodeURIComponent(where.name)}`
  return `${root}${scope}/${info.resource}${leaf}`
}

export function findResource(apiVersion: string, kind: string): ResourceInfo | undefined {
  return RESOURCES.find((info) => info.kind === kind && apiVersionOf(info) === apiVersion)
}
