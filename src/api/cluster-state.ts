import type { Node } from './cluster-objects.ts'
import type { EndpointSlice } from './endpoints.ts'
import type { ObjectKey } from './meta.ts'
import type { Service } from './service.ts'

/**
 * What the service path knows of a cluster at one moment. Keyed by service throughout, so that a stage can ask for
 * one service without walking the others. Lives here rather than in `watch` so that pure stages can be fed literals.
 */
export interface ClusterState {
  readonly services: ReadonlyMap<ObjectKey, Service>
  /** Slices labelled for that service, in a stable order (by slice name); empty if there are none. */
  slicesOf(service: ObjectKey): readonly EndpointSlice[]
  node(name: string): Node | undefined
}

/** One step of the cluster's history as the service path sees it. */
export type ClusterChange = {
  readonly state: ClusterState
  /** Services whose Service or slices changed, appeared or vanished since the previous step. */
  readonly dirty: ReadonlySet<ObjectKey>
  /** True on the first step and whenever everything must be recomputed (relist, this node's labels changed). */
  readonly full: boolean
}

/** A ClusterState from plain objects: for tests, `render -f` and offline explanations. */
export function clusterStateOf(objects: {
  services?: readonly Service[]
  slices?: readonly EndpointSlice[]
  nodes?: readonly Node[]
}): ClusterState {
  const key = (namespace: string | undefined, name: string): string => `${namespace ?? 'default'}/${name}`
  const services = new Map((objects.services ?? []).map((s) => [key(s.metadata.namespace, s.metadata.name), s]))
  const slices = new Map<ObjectKey, EndpointSlice[]>()
  for (const slice of objects.slices ?? []) {
    const name = slice.metadata.labels?.['kubernetes.io/service-name']
    if (name === undefined || name === '') continue
    const owner = key(slice.metadata.namespace, name)
    slices.set(owner, [...(slices.get(owner) ?? []), slice])
  }
  for (const list of slices.values()) list.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const nodes = new Map((objects.nodes ?? []).map((n) => [n.metadata.name, n]))
  return { services, slicesOf: (service) => slices.get(service) ?? [], node: (name) => nodes.get(name) }
}
