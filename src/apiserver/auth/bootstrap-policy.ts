/**
 * The ClusterRoles and ClusterRoleBindings a cluster has from its first moment, each as small as its component needs
 * (names as in kube-apiserver's rbac/bootstrappolicy). Written into the store at start; from then on the objects count.
 *
 * `admin` holds no right to write roles and bindings: nothing checks here that a writer has what he grants.
 */
import type { PolicyRule, Role, RoleBinding } from '#api'
import { apiVersionOf, CLUSTERROLEBINDINGS, CLUSTERROLES } from '#api'

export const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update']
const EVENTS = on(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update'])
const HEALTH = ['/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/']
const NAMESPACED: readonly (readonly [group: string, resources: readonly string[]])[] = [
  ['', ['configmaps', 'endpoints', 'events', 'pods', 'serviceaccounts', 'services']],
  ['apps', ['deployments', 'replicasets']],
  ['discovery.k8s.io', ['endpointslices']],
  ['events.k8s.io', ['events']],
  ['networking.k8s.io', ['ingresses']],
]

const ROLES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cluster-admin': [on(['*'], ['*'], ['*']), { verbs: ['*'], nonResourceURLs: ['*'] }],
  'system:public-info-viewer': [{ verbs: ['get'], nonResourceURLs: HEALTH }],
  'system:discovery': [
    { verbs: ['get'], nonResourceURLs: [...HEALTH, '/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'] },
  ],
  'system:basic-user': [
    on(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    on(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
  ],
  'system:node-proxier': [
    on([''], ['endpoints', 'services'], ['list', 'watch']),
    on([''], ['nodes'], READ),
    on(['discovery.k8s.io'], ['endpointslices'], ['list', 'watch']),
    on(['networking.k8s.io'], ['servicecidrs'], ['list', 'watch']),
    EVENTS,
  ],
  'system:kube-dns': [
    on([''], ['endpoints', 'namespaces', 'pods', 'services'], ['list', 'watch']),
    on(['discovery.k8s.io'], ['endpointslices'], ['list', 'watch']),
  ],
  'system:node': [
    on([''], ['nodes'], [...READ, 'create', 'patch', 'update']),
    on([''], ['nodes/status', 'pods/status'], ['get', 'patch', 'update']),
    on([''], ['pods'], [...READ, 'delete']),
    on([''], ['configmaps', 'namespaces', 'secrets', 'serviceaccounts', 'services'], READ),
    on(['coordination.k8s.io'], ['leases'], [...READ, 'create', 'delete', 'patch', 'update']),
    EVENTS,
  ],
  'system:kube-controller-manager': [
    on([''], ['configmaps', 'endpoints', 'events', 'pods', 'serviceaccounts', 'services'], [...READ, ...WRITE]),
    on(['apps'], ['deployments', 'replicasets'], [...READ, ...WRITE]),
    on(['discovery.k8s.io'], ['endpointslices'], [...READ, ...WRITE]),
    on(['networking.k8s.io'], ['ingresses'], [...READ, ...WRITE]),
    on(['coordination.k8s.io'], ['leases'], [...READ, ...WRITE]),
    on(['events.k8s.io'], ['events'], ['create', 'patch', 'update']),
    on(['apps'], ['deployments/status', 'replicasets/status'], ['get', 'patch', 'update']),
    on([''], ['pods/binding', 'pods/eviction'], ['create']),
    on([''], ['secrets'], ['list', 'watch']),
    on([''], ['namespaces', 'nodes'], [...READ, 'delete', 'patch', 'update']),
    on(
      [''],
      ['namespaces/finalize', 'namespaces/status', 'nodes/status', 'pods/status', 'services/status'],
      ['get', 'patch', 'update'],
    ),
  ],
  // A namespace that goes must be emptied of whatever the server has, custom objects included.
  'system:controller:namespace-controller': [on(['*'], ['*'], ['delete', 'deletecollection', 'get', 'list'])],
  'system:aggregate-to-view': [
    ...NAMESPACED.map(([group, resources]) => on([group], resources, READ)),
    on([''], ['namespaces', 'pods/log', 'pods/status', 'services/status'], READ),
  ],
  'system:aggregate-to-edit': [
    ...NAMESPACED.map(([group, resources]) => on([group], resources, WRITE)),
    on([''], ['secrets'], [...READ, ...WRITE]),
    on([''], ['pods/attach', 'pods/eviction', 'pods/exec', 'pods/portforward'], ['create', 'get']),
    on(['apps'], ['deployments/scale', 'replicasets/scale'], [...READ, 'patch', 'update']),
    on(['coordination.k8s.io'], ['leases'], [...READ, ...WRITE]),
  ],
  'system:aggregate-to-admin': [on(['rbac.authorization.k8s.io'], ['rolebindings', 'roles'], READ)],
}

/** Each collects the roles with its label; `view` goes into `edit`, and that into `admin`. */
const AGGREGATED: Readonly<Record<string, string | undefined>> = { view: 'edit', edit: 'admin', admin: undefined }

type Subject = NonNullable<RoleBinding['subjects']>[number]

const BINDINGS: Readonly<Record<string, readonly Subject[]>> = {
  'cluster-admin': [group('system:masters')],
  'system:public-info-viewer': [group('system:authenticated'), group('system:unauthenticated')],
  'system:discovery': [group('system:authenticated')],
  'system:basic-user': [group('system:authenticated')],
  'system:node-proxier': [user('system:kube-proxy')],
  'system:kube-dns': [group('system:kube-dns'), { kind: 'ServiceAccount', name: 'kube-dns', namespace: 'kube-system' }],
  'system:node': [group('system:nodes')],
  'system:kube-controller-manager': [group('system:controllers')],
  'system:controller:namespace-controller': [group('system:controllers')],
}

export function bootstrapRoles(): readonly Role[] {
  const plain = Object.entries(ROLES).map(([name, rules]) => {
    const target = /^system:aggregate-to-(\w+)$/.exec(name)?.[1]
    return { ...roleNamed(name, target), rules }
  })
  const aggregated = Object.entries(AGGREGATED).map(([name, target]) => ({
    ...roleNamed(name, target),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregationLabel(name)]: 'true' } }] },
    rules: [],
  }))
  return [...plain, ...aggregated]
}

export function bootstrapBindings(): readonly RoleBinding[] {
  const apiVersion = apiVersionOf(CLUSTERROLEBINDINGS)
  return Object.entries(BINDINGS).map(([name, subjects]) => ({
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name, ...marks() },
    roleRef: { apiGroup: CLUSTERROLES.group, kind: 'ClusterRole', name },
    subjects,
  }))
}

function roleNamed(name: string, target: string | undefined): Role {
  const { annotations, labels } = marks()
  const all = target === undefined ? labels : { ...labels, [aggregationLabel(target)]: 'true' }
  return { apiVersion: apiVersionOf(CLUSTERROLES), kind: 'ClusterRole', metadata: { name, annotations, labels: all } }
}

function marks(): { readonly annotations: Record<string, string>; readonly labels: Record<string, string> } {
  return {
    annotations: { [AUTO_UPDATE]: 'true' },
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  }
}

function aggregationLabel(role: string): string {
  return `rbac.authorization.k8s.io/aggregate-to-${role}`
}

function on(apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): PolicyRule {
  return { apiGroups, resources, verbs }
}

function group(name: string): Subject {
  return { kind: 'Group', apiGroup: CLUSTERROLES.group, name }
}

function user(name: string): Subject {
  return { kind: 'User', apiGroup: CLUSTERROLES.group, name }
}
