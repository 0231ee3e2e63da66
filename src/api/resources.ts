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
  /** Name in a server's store, where it is not `resource.group`: further versions of one resource. */
  readonly storage?: string
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
/** The newer API of the same objects as EVENTS. */
export const EVENTS_V1 = core('Event', 'events', { group: 'events.k8s.io', shortNames: ['ev'] })
const networking = { group: 'networking.k8s.io' }
export const INGRESSES = core('Ingress', 'ingresses', { ...networking, shortNames: ['ing'] })
export const INGRESSCLASSES = core('IngressClass', 'ingressclasses', { ...networking, namespaced: false })
export const SERVICECIDRS = core('ServiceCIDR', 'servicecidrs', { ...networking, namespaced: false })
export const IPADDRESSES = core('IPAddress', 'ipaddresses', { ...networking, shortNames: ['ip'], namespaced: false })
const apps = { group: 'apps', categories: ['all'] }
export const DEPLOYMENTS = core('Deployment', 'deployments', { ...apps, shortNames: ['deploy'] })
export const REPLICASETS = core('ReplicaSet', 'replicasets', { ...apps, shortNames: ['rs'] })
const rbac = { group: 'rbac.authorization.k8s.io' }
export const ROLES = core('Role', 'roles', rbac)
export const ROLEBINDINGS = core('RoleBinding', 'rolebindings', rbac)
export const CLUSTERROLES = core('ClusterRole', 'clusterroles', { ...rbac, namespaced: false })
export const CLUSTERROLEBINDINGS = core('ClusterRoleBinding', 'clusterrolebindings', { ...rbac, namespaced: false })
export const CUSTOMRESOURCEDEFINITIONS = core('CustomResourceDefinition', 'customresourcedefinitions', {
  group: 'apiextensions.k8s.io',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
})

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
  EVENTS_V1,
  INGRESSES,
  INGRESSCLASSES,
  SERVICECIDRS,
  IPADDRESSES,
  DEPLOYMENTS,
  REPLICASETS,
  ROLES,
  ROLEBINDINGS,
  CLUSTERROLES,
  CLUSTERROLEBINDINGS,
  CUSTOMRESOURCEDEFINITIONS,
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
