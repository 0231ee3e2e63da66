/** Keeps a zone equal to the informers' copies: each event reaches it in the call that reports it. */
import type { EndpointSlice, KubeObject, Namespace, ObjectKey, Pod, Service } from '#api'
import type { Informer } from '#watch'
import type { ClusterResource, Zone } from './records/index.ts'

export type DnsInformers = {
  readonly services: Informer<Service>
  readonly endpointSlices: Informer<EndpointSlice>
  readonly namespaces: Informer<Namespace>
  /** Needed with `pods: 'verified'` only. */
  readonly pods?: Informer<Pod>
}

/** `onSynced` runs once all of them have been listed. The returned function stops the feeding. */
export function feedZone(zone: Zone, informers: DnsInformers, onSynced: () => void): () => void {
  const follow = <T extends KubeObject>(
    resource: ClusterResource,
    informer: Informer<T>,
    set: (key: ObjectKey, object: T | undefined) => void,
  ): (() => void) => {
    for (const [key, object] of informer.items) set(key, object)
    const stop = informer.onChange(({ key, after }) => set(key, after))
    const synced = (): void => {
      zone.markSynced(resource)
      if (zone.unsynced.size === 0) onSynced()
    }
    if (informer.hasSynced) synced()
    // Rejects only when whoever owns the informers ends them, which ends this too.
    else informer.synced.then(synced, () => undefined)
    return stop
  }
  const { pods } = informers
  const stops = [
    follow('namespaces', informers.namespaces, (key, namespace) => zone.setNamespace(key, namespace !== undefined)),
    follow('services', informers.services, (key, service) => zone.setService(key, service)),
    follow('endpointslices', informers.endpointSlices, (key, slice) => zone.setSlice(key, slice)),
    ...(pods === undefined ? [] : [follow('pods', pods, (key, pod) => zone.setPod(key, pod))]),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
