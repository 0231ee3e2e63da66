/**
 * How many pods each ReplicaSet of a Deployment should have in the next step of a rolling update, and how a change of size
 * in the middle of one is shared out (pkg/controller/deployment rolling.go, sync.go, util). Pure.
 */
import type { Deployment, ReplicaSet } from '#api'
import { MAXIMUM, oldestFirst } from './revisions.ts'

export type Resize = { readonly set: ReplicaSet; readonly replicas: number }

export function sizeOf(set: ReplicaSet | undefined): number {
  return set?.spec.replicas ?? 0
}

export function total(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number = sizeOf): number {
  return sets.reduce((sum, set) => sum + count(set), 0)
}

export type Limits = { readonly surge: number; readonly unavailable: number }

/** In pods. Surge rounds up and unavailability down; when both come out as 0, one pod may be missing. */
export function limitsOf({ spec }: Deployment): Limits {
  const { replicas = 0, strategy } = spec
  if (strategy?.type === 'Recreate') return { surge: 0, unavailable: 0 }
  const { maxSurge = 0, maxUnavailable = 0 } = strategy?.rollingUpdate ?? {}
  const surge = podsOf(maxSurge, replicas, Math.ceil)
  const missing = podsOf(maxUnavailable, replicas, Math.floor)
  const unavailable = surge === 0 && missing === 0 ? 1 : missing
  return { surge, unavailable: Math.min(unavailable, replicas) }
}

function podsOf(share: number | string, replicas: number, round: (value: number) => number): number {
  return typeof share === 'number' ? share : round((Number.parseInt(share, 10) * replicas) / 100)
}

/** Size of the current ReplicaSet, which may not exist yet. */
export function currentSize(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  others: readonly ReplicaSet[],
): number {
  const { replicas = 0, strategy } = deployment.spec
  const own = sizeOf(current)
  if (strategy?.type === 'Recreate' || own >= replicas) return replicas
  const room = replicas + limitsOf(deployment).surge - own - total(others)
  return own + Math.max(0, Math.min(room, replicas - own))
}

/** Old ReplicaSets to make smaller now: pods that do not work first, then as many as are allowed to be missing. */
export function shrinkOthers(
  deployment: Deployment,
  current: ReplicaSet,
  others: readonly ReplicaSet[],
): readonly Resize[] {
  const minimum = (deployment.spec.replicas ?? 0) - limitsOf(deployment).unavailable
  const available = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0
  const notYet = sizeOf(current) - available(current)
  let removable = sizeOf(current) + total(others) - minimum - notYet
  if (total(others) === 0 || removable <= 0) return []
  const sizes = new Map(others.map((set) => [set, sizeOf(set)]))
  const inOrder = oldestFirst(others)
  for (const set of inOrder) {
    const broken = Math.max(0, Math.min(removable, sizeOf(set) - available(set)))
    sizes.set(set, sizeOf(set) - broken)
    removable -= broken
  }
  let spare = available(current) + total(others, available) - minimum
  for (const set of inOrder) {
    const size = sizes.get(set) ?? 0
    const step = Math.max(0, Math.min(size, spare))
    sizes.set(set, size - step)
    spare -= step
  }
  return [...sizes].filter(([set, replicas]) => replicas !== sizeOf(set)).map(([set, replicas]) => ({ set, replicas }))
}

/** The Deployment was resized: every ReplicaSet that has pods takes its share of the change. */
export function shareOut(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  others: readonly ReplicaSet[],
): readonly Resize[] {
  const { replicas = 0, strategy } = deployment.spec
  const all = current === undefined ? others : [...others, current]
  const active = all.filter((set) => sizeOf(set) > 0)
  if (active.length <= 1) {
    const only = active[0] ?? current ?? oldestFirst(others).at(-1)
    return only === undefined || sizeOf(only) === replicas ? [] : [{ set: only, replicas }]
  }
  if (current !== undefined && isSaturated(current, replicas)) {
    return active.filter((set) => set !== current).map((set) => ({ set, replicas: 0 }))
  }
  if (strategy?.type === 'Recreate') return []
  const { surge } = limitsOf(deployment)
  const allowed = replicas > 0 ? replicas + surge : 0
  const change = allowed - total(active)
  // The largest takes the most; of equal ones the newer grows and the older shrinks first.
  const byAge = oldestFirst(active)
  const ordered = (change > 0 ? byAge.toReversed() : [...byAge]).sort((a, b) => sizeOf(b) - sizeOf(a))
  let given = 0
  const sizes = ordered.map((set) => {
    const rest = change - given
    const wish = share(set, { replicas, allowed, known: deployment.status?.replicas ?? 0 })
    const step = change > 0 ? Math.max(0, Math.min(wish, rest)) : Math.min(0, Math.max(wish, rest))
    given += step
    return { set, replicas: sizeOf(set) + step }
  })
  const [first, ...rest] = sizes
  if (first === undefined) return []
  const shared = [{ ...first, replicas: Math.max(0, first.replicas + change - given) }, ...rest]
  return shared.filter(({ set, replicas: size }) => size !== sizeOf(set))
}

function share(
  set: ReplicaSet,
  size: { readonly replicas: number; readonly allowed: number; readonly known: number },
): number {
  if (size.replicas === 0) return -sizeOf(set)
  const annotated = Number.parseInt(set.metadata.annotations?.[MAXIMUM] ?? '', 10)
  const before = Number.isNaN(annotated) || annotated <= 0 ? size.known : annotated
  return before === 0 ? 0 : Math.round((sizeOf(set) * size.allowed) / before) - sizeOf(set)
}

function isSaturated(set: ReplicaSet, replicas: number): boolean {
  return sizeOf(set) === replicas && (set.status?.availableReplicas ?? 0) === replicas
}
