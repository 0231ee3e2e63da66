/**
 * What a user may do: a fixed table of grants in the manner of the bootstrap ClusterRoles, each as small as the component
 * needs. RBAC objects would replace `GRANTS`, not this question.
 */
import type { User } from '../registry/index.ts'

export type AccessRequest = {
  readonly verb: string
  readonly group: string
  /** `pods`, or `pods/status` for subresources. */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

export type Grant = {
  readonly verbs: readonly string[]
  readonly groups: readonly string[]
  readonly resources: readonly string[]
}

const READ = ['get', 'list', 'watch']
const WRITE = [...READ, 'create', 'update', 'patch', 'delete']
const EVENTS: Grant = { verbs: ['create', 'patch', 'update'], groups: ['', 'events.k8s.io'], resources: ['events'] }
const EVERYTHING: Grant = { verbs: ['*'], groups: ['*'], resources: ['*'] }

/** By group or user name. */
export const GRANTS: Readonly<Record<string, readonly Grant[]>> = {
  'system:masters': [EVERYTHING],
  'system:authenticated': [
    {
      verbs: ['create'],
      groups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    },
    { verbs: ['create'], groups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
  ],
  'system:kube-proxy': [
    { verbs: ['list', 'watch'], groups: [''], resources: ['services', 'endpoints'] },
    { verbs: READ, groups: [''], resources: ['nodes'] },
    { verbs: ['list', 'watch'], groups: ['discovery.k8s.io'], resources: ['endpointslices'] },
    { verbs: ['list', 'watch'], groups: ['networking.k8s.io'], resources: ['servicecidrs'] },
    EVENTS,
  ],
  'system:kube-dns': [
    { verbs: ['list', 'watch'], groups: [''], resources: ['services', 'endpoints', 'pods', 'namespaces'] },
    { verbs: ['list', 'watch'], groups: ['discovery.k8s.io'], resources: ['endpointslices'] },
  ],
  'system:nodes': [
    { verbs: [...READ, 'create', 'update', 'patch'], groups: [''], resources: ['nodes'] },
    { verbs: ['get', 'update', 'patch'], groups: [''], resources: ['nodes/status', 'pods/status'] },
    { verbs: [...READ, 'delete'], groups: [''], resources: ['pods'] },
    { verbs: READ, groups: [''], resources: ['services', 'configmaps', 'secrets', 'serviceaccounts', 'namespaces'] },
    { verbs: WRITE, groups: ['coordination.k8s.io'], resources: ['leases'] },
    EVENTS,
  ],
  'system:controllers': [
    {
      verbs: [...WRITE, 'deletecollection'],
      groups: ['', 'apps', 'discovery.k8s.io', 'networking.k8s.io', 'coordination.k8s.io'],
      resources: [
        'endpoints',
        'endpointslices',
        'serviceaccounts',
        'pods',
        'services',
        'leases',
        'configmaps',
        'events',
        'ingresses',
        'deployments',
        'replicasets',
      ],
    },
    {
      verbs: ['get', 'update', 'patch'],
      groups: ['apps'],
      resources: ['deployments/status', 'replicasets/status'],
    },
    // To empty a namespace that is going.
    {
      verbs: ['list', 'delete'],
      groups: ['rbac.authorization.k8s.io', 'events.k8s.io'],
      resources: ['roles', 'rolebindings', 'events'],
    },
    { verbs: ['create'], groups: [''], resources: ['pods/binding'] },
    { verbs: ['list', 'watch', 'delete', 'deletecollection'], groups: [''], resources: ['secrets'] },
    { verbs: ['create'], groups: [''], resources: ['pods/binding', 'pods/eviction'] },
    { verbs: [...READ, 'update', 'patch', 'delete'], groups: [''], resources: ['nodes', 'namespaces'] },
    {
      verbs: ['get', 'update', 'patch'],
      groups: ['', 'networking.k8s.io'],
      resources: ['nodes/status', 'pods/status', 'services/status', 'namespaces/status', 'namespaces/finalize'],
    },
  ],
}

/** Paths that name no resource and that anybody, even without credentials, may read. */
const PUBLIC_PATHS = [/^\/(healthz|livez|readyz)(\/|$)/, /^\/version\/?$/]
/** What every authenticated client needs before it can ask for anything else. */
const DISCOVERY_PATHS = [/^\/apis?(\/|$)/, /^\/openapi(\/|$)/]

export function authorize(user: User, request: AccessRequest): boolean {
  return [user.name, ...user.groups].some((subject) => {
    const grants = Object.hasOwn(GRANTS, subject) ? GRANTS[subject] : undefined
    return grants?.some(
      (grant) =>
        covers(grant.verbs, request.verb) &&
        covers(grant.groups, request.group) &&
        covers(grant.resources, request.resource),
    )
  })
}

export function authorizePath(user: User, path: string): boolean {
  if (PUBLIC_PATHS.some((pattern) => pattern.test(path))) return true
  if (user.groups.includes('system:masters')) return true
  return user.groups.includes('system:authenticated') && DISCOVERY_PATHS.some((pattern) => pattern.test(path))
}

function covers(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value)
}
