/**
 * What a user may do: the RBAC objects of the store, denied unless one of them allows it (rbac.authorization.k8s.io/v1).
 * They are compiled into an index by subject, which the next question after a change builds anew, so that a request costs
 * a lookup for each of its user's names.
 */
import type { KubeObject, PolicyRule, ResourceInfo, Role, RoleBinding } from '#api'
import { CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES } from '#api'
import type { Registry, User } from '../registry/index.ts'
import { storageName } from '../registry/index.ts'
import { bootstrapBindings, bootstrapRoles } from './bootstrap-policy.ts'
import type { CompiledRule, Policy, PolicyIndex } from './policy-index.ts'
import { indexPolicy } from './policy-index.ts'

export type AccessRequest = {
  readonly verb: string
  readonly group: string
  /** `pods`, or `pods/status` for subresources. */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

export type Decision = { readonly allowed: boolean; readonly reason?: string }

export type Authorizer = {
  readonly authorize: (user: User, request: AccessRequest) => Decision
  /** For paths that name no resource; the verb is the method in lower case. */
  readonly authorizePath: (user: User, request: { readonly verb: string; readonly path: string }) => Decision
  /** All that holds for the user in the namespace. */
  readonly rulesOf: (user: User, namespace: string) => readonly PolicyRule[]
  readonly stop: () => void
}

/** Whoever is in it stays the administrator, whatever becomes of the objects (upstream's privileged group). */
const SUPERUSERS = 'system:masters'

export function createAuthorizer(registry: Pick<Registry, 'kinds' | 'store'>): Authorizer {
  const { kinds, store } = registry
  let index: PolicyIndex | undefined
  const has = (info: ResourceInfo): boolean => kinds.some((kind) => storageName(kind.info) === storageName(info))
  const list = <T extends KubeObject>(info: ResourceInfo): readonly T[] =>
    store
      .table(storageName(info))
      .list()
      .map(({ object }) => object as T)
  // A server whose kinds leave RBAC out has what its objects would say.
  const isStored = has(CLUSTERROLES) && has(CLUSTERROLEBINDINGS)
  const policy = (): Policy => ({
    clusterRoles: isStored ? list<Role>(CLUSTERROLES) : bootstrapRoles(),
    clusterRoleBindings: isStored ? list<RoleBinding>(CLUSTERROLEBINDINGS) : bootstrapBindings(),
    roles: list<Role>(ROLES),
    roleBindings: list<RoleBinding>(ROLEBINDINGS),
  })
  const stops = [CLUSTERROLES, CLUSTERROLEBINDINGS, ROLES, ROLEBINDINGS].map((info) =>
    store.subscribe(storageName(info), () => (index = undefined)),
  )

  function* rulesFor(user: User, namespace: string | undefined): Generator<CompiledRule> {
    index ??= indexPolicy(policy())
    for (const key of [`User/${user.name}`, ...user.groups.map((group) => `Group/${group}`)]) {
      const rules = index.get(key)
      if (rules === undefined) continue
      yield* rules.everywhere
      if (namespace !== undefined) yield* rules.inNamespace.get(namespace) ?? []
    }
  }
  const decide = (user: User, namespace: string | undefined, allows: (rule: PolicyRule) => boolean): Decision => {
    if (user.groups.includes(SUPERUSERS)) return { allowed: true }
    for (const { rule, reason } of rulesFor(user, namespace)) if (allows(rule)) return { allowed: true, reason }
    return { allowed: false }
  }

  return {
    authorize: (user, request) => decide(user, request.namespace, (rule) => ruleAllows(rule, request)),
    authorizePath: (user, request) => decide(user, undefined, (rule) => ruleAllowsPath(rule, request)),
    rulesOf: (user, namespace) => [...rulesFor(user, namespace)].map(({ rule }) => rule),
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

export function ruleAllows(rule: PolicyRule, { verb, group, resource, name }: AccessRequest): boolean {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [] } = rule
  if (!covers(verbs, verb) || !covers(apiGroups, group)) return false
  const slash = resource.indexOf('/')
  const ofAnyParent = slash >= 0 && resources.includes(`*${resource.slice(slash)}`)
  if (!covers(resources, resource) && !ofAnyParent) return false
  return resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name))
}

export function ruleAllowsPath(
  { verbs = [], nonResourceURLs = [] }: PolicyRule,
  { verb, path }: { readonly verb: string; readonly path: string },
): boolean {
  if (!covers(verbs, verb)) return false
  return nonResourceURLs.some((url) => (url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : path === url))
}

function covers(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value)
}
