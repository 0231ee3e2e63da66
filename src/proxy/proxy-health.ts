/**
 * Whether the proxy keeps up, per family, and whether the node should get traffic (HC-9..HC-12; KEP-3836): what /healthz
 * and /livez answer. Pure but for the clock it is given.
 */
import type { Node } from '#api'
import type { Clock, Family } from '#lib'

export type FamilyHealth = { readonly lastUpdated: string; readonly healthy: boolean }

export type HealthReport = {
  readonly lastUpdated: string
  readonly currentTime: string
  readonly nodeEligible?: boolean
  readonly healthy: boolean
  readonly status: Readonly<Partial<Record<Family, FamilyHealth>>>
}

export interface ProxyHealth {
  queued(family: Family): void
  updated(family: Family): void
  nodeSeen(node: Node | undefined): void
  /** False while a family is behind by more than the timeout; the node's eligibility plays no part. */
  readonly healthy: boolean
  livez(): { readonly status: 200 | 503; readonly body: HealthReport }
  healthz(): { readonly status: 200 | 503; readonly body: HealthReport }
}

const AUTOSCALER_TAINT = 'ToBeDeletedByClusterAutoscaler'

export function createProxyHealth(options: {
  readonly families: readonly Family[]
  readonly clock: Clock
  /** Milliseconds. */
  readonly timeout: number
}): ProxyHealth {
  const { clock, families, timeout } = options
  const updatedAt = new Map<Family, number>()
  const oldestQueued = new Map<Family, number>()
  let eligible = false

  const isHealthy = (family: Family): boolean => {
    const queued = oldestQueued.get(family)
    return queued === undefined || clock.now() - queued < timeout
  }
  const report = (): HealthReport => {
    const now = clock.now()
    const healthy = families.every(isHealthy)
    // On success the time reads "now" for compatibility (HC-12); otherwise the latest real one.
    const latest = healthy ? now : Math.max(0, ...updatedAt.values())
    const status = families.map((family) => {
      const at = isHealthy(family) ? now : (updatedAt.get(family) ?? 0)
      return [family, { lastUpdated: iso(at), healthy: isHealthy(family) }] as const
    })
    return { lastUpdated: iso(latest), currentTime: iso(now), healthy, status: Object.fromEntries(status) }
  }
  return {
    queued: (family) => {
      if (!oldestQueued.has(family)) oldestQueued.set(family, clock.now())
    },
    updated: (family) => {
      oldestQueued.delete(family)
      updatedAt.set(family, clock.now())
    },
    nodeSeen: (node) => {
      const tainted = node?.spec?.taints?.some((taint) => taint.key === AUTOSCALER_TAINT) ?? false
      eligible = node !== undefined && node.metadata.deletionTimestamp === undefined && !tainted
    },
    get healthy() {
      return families.every(isHealthy)
    },
    livez: () => {
      const body = report()
      return { status: body.healthy ? 200 : 503, body }
    },
    healthz: () => {
      const body = { ...report(), nodeEligible: eligible }
      return { status: body.healthy && eligible ? 200 : 503, body }
    },
  }
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
