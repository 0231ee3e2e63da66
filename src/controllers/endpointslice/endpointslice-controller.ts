/** Keeps the EndpointSlices of every Service with a selector (api-server.md 15.1). */
import type { EndpointSlice, ObjectKey, Service } from '#api'
import { objectKey } from '#api'
import { createSliceIndex } from '#watch'
import { createControllerQueue, isNamespaceGoing } from '../shared/controller-queue.ts'
import { hasSelector } from '../shared/match-labels.ts'
import { endpointFacts } from '../shared/pod-facts.ts'
import { servicesTouched } from '../shared/selection-index.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { createTriggerTimes } from '../shared/trigger-times.ts'
import { createReporter } from '../shared/report-event.ts'
import { createSliceWriter } from '../shared/write-slices.ts'
import { wantsAutomatic } from './assign-hints.ts'
import type { ReconcileResult } from './reconcile-slices.ts'
import { reconcileSlices } from './reconcile-slices.ts'
import { ENDPOINTSLICE_CONTROLLER, LABEL_MANAGED_BY } from './slice-template.ts'
import type { ZoneShares } from './zone-shares.ts'
import { zoneFacts, zoneSharesOf } from './zone-shares.ts'

/** Somebody who edits our slices all the time must not make us a busy loop, in milliseconds. */
const FOREIGN_CHANGE_DELAY = 1000
const ZONE = 'topology.kubernetes.io/zone'

export function createEndpointSliceController(context: ControllerContext): void {
  const { informers, client, clock, logger } = context
  const { services, pods, nodes, slices, selection } = informers
  const index = createSliceIndex()
  const triggerTimes = createTriggerTimes()
  const writer = createSliceWriter(client, clock)
  const report = createReporter(context, 'endpoint-slice-controller')
  /** What was last said about each Service's hints: only news are events. */
  const told = new Map<ObjectKey, string>()
  let zones: ZoneShares | undefined

  const tell = async (service: Service, hints: ReconcileResult['hints']): Promise<void> => {
    const key = objectKey(service)
    const text = JSON.stringify(hints)
    const before = told.get(key) ?? '[]'
    if (hints.length === 0) told.delete(key)
    else told.set(key, text)
    if (before === text) return
    for (const one of hints) if (!before.includes(JSON.stringify(one))) await report(service, one)
  }

  const sync = async (key: ObjectKey): Promise<void> => {
    const service = services.get(key)
    if (service === undefined) {
      // Its slices go with their owner reference.
      triggerTimes.forget(key)
      told.delete(key)
      return
    }
    if (service.spec.type === 'ExternalName' || !hasSelector(service.spec.selector)) return
    const existing = index.slicesOf(key)
    if (writer.isStale(key, existing)) {
      queue.addAfter(key, FOREIGN_CHANGE_DELAY)
      return
    }
    const selected = selection.podsOf(service)
    zones ??= zoneSharesOf(nodes.items.values())
    const result = reconcileSlices({
      zones,
      service,
      pods: selected,
      node: (name) => nodes.get(name),
      existing: existing.filter((slice) => slice.metadata.deletionTimestamp === undefined),
      triggerTime: triggerTimes.observe(key, service, selected),
    })
    // A Service on its way out gets no new slices; the old ones still follow its pods.
    const create = service.metadata.deletionTimestamp === undefined ? result.create : []
    try {
      await writer.write(key, { ...result, create })
    } catch (error) {
      if (!isNamespaceGoing(error)) throw error
    }
    await tell(service, result.hints)
    if (result.withoutNode.length > 0) {
      // The node's own event brings us back.
      logger.debug('pods without a node left out', { service: key, pods: result.withoutNode.length })
    }
  }
  const queue = createControllerQueue(context, { controller: 'endpointslice', sync })

  services.onChange(({ key }) => queue.add(key))
  pods.onChange((event) => {
    if (endpointFacts(event.before) === endpointFacts(event.after)) return
    for (const service of servicesTouched(selection, event)) queue.add(service)
  })
  nodes.onChange(({ key, before, after }) => {
    if (zoneFacts(before) !== zoneFacts(after)) {
      zones = undefined
      for (const [name, service] of services.items) if (wantsAutomatic(service)) queue.add(name)
    }
    if (before !== undefined && after !== undefined && sameZone(before.metadata.labels, after.metadata.labels)) return
    for (const pod of pods.items.values()) {
      if (pod.spec?.nodeName !== key) continue
      for (const service of selection.servicesOf(pod.metadata.namespace ?? '', pod.metadata.labels)) queue.add(service)
    }
  })
  slices.onChange((event) => {
    const before = ours(event.before)
    const after = ours(event.after)
    const touched = index.apply(before, after)
    if (writer.isOwn({ key: event.key, after })) return
    for (const service of touched) queue.addAfter(service, FOREIGN_CHANGE_DELAY)
  })
}

function ours(slice: EndpointSlice | undefined): EndpointSlice | undefined {
  return slice?.metadata.labels?.[LABEL_MANAGED_BY] === ENDPOINTSLICE_CONTROLLER ? slice : undefined
}

function sameZone(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  return a?.[ZONE] === b?.[ZONE]
}
