/**
 * Keeps the cluster's policy whole: what the bootstrap roles and bindings lack is added at each start (unless their
 * annotation forbids it), and roles with an aggregation rule hold the rules of the roles they select
 * (rbac/reconciliation and the clusterrole-aggregation-controller upstream).
 */
import type { KubeObject, PolicyRule, ResourceInfo, Role, RoleBinding } from '#api'
import { CLUSTERROLEBINDINGS, CLUSTERROLES, selectorMatches } from '#api'
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { KindDefinition } from '../kinds/kind.ts'
import type { Registry } from '../registry/index.ts'
import { createNow, headOf, storageName, updateNow } from '../registry/index.ts'
import { AUTO_UPDATE, bootstrapBindings, bootstrapRoles } from './bootstrap-policy.ts'

const WRITER = {
  user: { name: 'system:apiserver', groups: ['system:masters'] },
  dryRun: false,
  warn: () => undefined,
  manager: 'kube-apiserver',
}

/** Creates what is missing, in one commit. Resolves when it is on disk. */
export async function writePolicy(registry: Registry): Promise<void> {
  const roles = ensureAll<Role>(registry, {
    info: CLUSTERROLES,
    wanted: bootstrapRoles(),
    merge: (stored, wanted) => ({ ...stored, rules: withMissing(stored.rules ?? [], wanted.rules ?? []) }),
  })
  const bindings = ensureAll<RoleBinding>(registry, {
    info: CLUSTERROLEBINDINGS,
    wanted: bootstrapBindings(),
    merge: (stored, wanted) => ({ ...stored, subjects: withMissing(stored.subjects ?? [], wanted.subjects ?? []) }),
  })
  await Promise.all([...roles, ...bindings])
  await Promise.all(aggregate(registry))
}

/** Follows the roles; the returned function ends that. */
export function keepPolicy(registry: Registry, logger: Logger): () => void {
  let isScheduled = false
  let isStopped = false
  const pass = (): void => {
    isScheduled = false
    if (isStopped) return
    try {
      for (const written of aggregate(registry)) written.catch(() => undefined)
    } catch (error) {
      logger.error('roles not aggregated', { reason: messageOf(error) })
    }
  }
  const stop = registry.store.subscribe(storageName(CLUSTERROLES), () => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(pass)
  })
  return () => {
    isStopped = true
    stop()
  }
}

type Wanted<T> = {
  readonly info: ResourceInfo
  readonly wanted: readonly T[]
  /** The stored object with what it lacks. */
  readonly merge: (stored: T, wanted: T) => T
}

function ensureAll<T extends KubeObject>(
  registry: Registry,
  { info, wanted, merge }: Wanted<T>,
): readonly Promise<void>[] {
  const kind = kindOf(registry, info)
  if (kind === undefined) return []
  return wanted.map((object) => {
    const { name } = object.metadata
    const target = { kind, namespace: undefined, name, options: WRITER }
    const stored = headOf(registry, target)?.object as T | undefined
    if (stored === undefined) return createNow(registry, { ...target, object }).committed
    if (stored.metadata.annotations?.[AUTO_UPDATE] === 'false') return Promise.resolve()
    const merged = merge(stored, object)
    if (JSON.stringify(merged) === JSON.stringify(stored)) return Promise.resolve()
    return updateNow(registry, { ...target, mayCreate: false, change: () => merged }).committed
  })
}

/** Writes each role whose rules are not those of the roles it selects. */
function aggregate(registry: Registry): readonly Promise<void>[] {
  const kind = kindOf(registry, CLUSTERROLES)
  if (kind === undefined) return []
  const roles = registry.reader.list(CLUSTERROLES) as readonly Role[]
  return roles.flatMap((role) => {
    if (role.aggregationRule === undefined || role.metadata.deletionTimestamp !== undefined) return []
    const rules = collected(role, { roles, visited: new Set() })
    if (JSON.stringify(rules) === JSON.stringify(role.rules ?? [])) return []
    const target = { kind, namespace: undefined, name: role.metadata.name, options: WRITER }
    const change = (old: KubeObject | undefined): KubeObject => ({ ...(old ?? role), rules }) as Role
    return [updateNow(registry, { ...target, mayCreate: false, change }).committed]
  })
}

/** Down to the roles with rules of their own, so that roles which select each other come to rest. */
function collected(
  { metadata, aggregationRule, rules }: Role,
  from: { readonly roles: readonly Role[]; readonly visited: Set<string> },
): readonly PolicyRule[] {
  if (from.visited.has(metadata.name)) return []
  from.visited.add(metadata.name)
  if (aggregationRule === undefined) return rules ?? []
  const selectors = aggregationRule.clusterRoleSelectors ?? []
  return from.roles
    .filter((role) => selectors.some((selector) => selectorMatches(selector, role.metadata.labels)))
    .reduce<readonly PolicyRule[]>((all, role) => withMissing(all, collected(role, from)), [])
}

/** Both are plain JSON, so equal text is equal content; another order of keys at worst repeats an item. */
function withMissing<T>(list: readonly T[], wanted: readonly T[]): readonly T[] {
  const known = new Set(list.map((item) => JSON.stringify(item)))
  return [...list, ...wanted.filter((item) => !known.has(JSON.stringify(item)))]
}

function kindOf(registry: Registry, info: ResourceInfo): KindDefinition | undefined {
  return registry.kinds.find((one) => storageName(one.info) === storageName(info))
}
