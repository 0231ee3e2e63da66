/**
 * Which pods a service selects and which services select a pod, without walking either: both are found by one of their
 * label pairs. An event costs what it touches, also with 10,000 services in a namespace.
 */
import type { ObjectKey, Pod, Service } from '#api'
import { splitKey } from '#api'
import type { Informer } from '#watch'
import type { Labels } from './match-labels.ts'
import { hasSelector, matchesSelector } from './match-labels.ts'

export interface SelectionIndex {
  podsOf(service: Service): readonly Pod[]
  /** Services whose selector matches these labels in that namespace. */
  servicesOf(namespace: string, labels: Labels | undefined): readonly ObjectKey[]
}

type Buckets = Map<string, Set<ObjectKey>>

/** Must be created before other listeners of the two informers, which rely on it being current. */
export function createSelectionIndex(services: Informer<Service>, pods: Informer<Pod>): SelectionIndex {
  const podsByPair: Buckets = new Map()
  const servicesByPair: Buckets = new Map()

  pods.onChange(({ key, before, after }) => {
    for (const pair of pairsOf(before)) drop(podsByPair, pair, key)
    for (const pair of pairsOf(after)) put(podsByPair, pair, key)
  })
  services.onChange(({ key, before, after }) => {
    const old = firstPair(before)
    const pair = firstPair(after)
    if (old !== undefined) drop(servicesByPair, old, key)
    if (pair !== undefined) put(servicesByPair, pair, key)
  })

  return {
    podsOf: (service) => {
      const { selector } = service.spec
      if (!hasSelector(selector)) return []
      const namespace = service.metadata.namespace ?? ''
      const buckets = Object.entries(selector).map((pair) => podsByPair.get(pairKey(namespace, pair)))
      const smallest = buckets.reduce((a, b) => ((a?.size ?? 0) <= (b?.size ?? 0) ? a : b), buckets[0])
      return [...(smallest ?? [])]
        .map((key) => pods.get(key))
        .filter((pod) => pod !== undefined)
        .filter((pod) => matchesSelector(selector, pod.metadata.labels))
    },
    servicesOf: (namespace, labels) =>
      Object.entries(labels ?? {})
        .flatMap((pair) => [...(servicesByPair.get(pairKey(namespace, pair)) ?? [])])
        .filter((key) => matchesSelector(services.get(key)?.spec.selector ?? {}, labels)),
  }
}

function pairKey(namespace: string, pair: readonly [string, string]): string {
  return `${namespace}/${pair[0]}=${pair[1]}`
}

function pairsOf(pod: Pod | undefined): readonly string[] {
  const { namespace = '', labels } = pod?.metadata ?? {}
  return Object.entries(labels ?? {}).map((pair) => pairKey(namespace, pair))
}

/** A service is filed under one pair of its selector only: every pod it selects carries that one. */
function firstPair(service: Service | undefined): string | undefined {
  const selector = service?.spec?.selector
  const first = hasSelector(selector) ? Object.entries(selector)[0] : undefined
  return first === undefined ? undefined : pairKey(service?.metadata.namespace ?? '', first)
}

function put(buckets: Buckets, pair: string, key: ObjectKey): void {
  const bucket = buckets.get(pair)
  if (bucket === undefined) buckets.set(pair, new Set([key]))
  else bucket.add(key)
}

function drop(buckets: Buckets, pair: string, key: ObjectKey): void {
  const bucket = buckets.get(pair)
  if (bucket?.delete(key) === true && bucket.size === 0) buckets.delete(pair)
}

/** Services that select the pod as it was or as it is. */
export function servicesTouched(
  index: SelectionIndex,
  change: { readonly key: ObjectKey; readonly before: Pod | undefined; readonly after: Pod | undefined },
): ReadonlySet<ObjectKey> {
  const { namespace } = splitKey(change.key)
  return new Set(
    [change.before, change.after].flatMap((pod) =>
      pod === undefined ? [] : index.servicesOf(namespace, pod.metadata.labels),
    ),
  )
}
