/** Mirrors Endpoints of Services without a selector into EndpointSlices, which is all that proxies read (api-server.md 15.4). */
import type { Endpoints, EndpointSlice, ObjectKey, Service } from '#api'
import { createSliceIndex } from '#watch'
import { LEADER_ANNOTATION } from '../endpoints/endpoints-controller.ts'
import { LABEL_MANAGED_BY } from '../endpointslice/slice-template.ts'
import { createControllerQueue, isNamespaceGoing } from '../shared/controller-queue.ts'
import { hasSelector } from '../shared/match-labels.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { createReporter } from '../shared/report-event.ts'
import { createSliceWriter } from '../shared/write-slices.ts'
import { droppedText, MIRRORING_CONTROLLER, mirrorEndpoints } from './mirror-endpoints.ts'

const LABEL_SKIP = 'endpointslice.kubernetes.io/skip-mirror'
const FOREIGN_CHANGE_DELAY = 1000

export function createMirroringController(context: ControllerContext): void {
  const { informers, client, clock, logger } = context
  const { services, endpoints, slices } = informers
  const index = createSliceIndex()
  const writer = createSliceWriter(client, clock)
  const report = createReporter(context, 'endpoint-slice-mirroring-controller')
  /** What was last said about each object's dropped addresses: only news are events. */
  const told = new Map<ObjectKey, readonly string[]>()

  const sync = async (key: ObjectKey): Promise<void> => {
    const existing = index.slicesOf(key)
    if (writer.isStale(key, existing)) {
      queue.addAfter(key, FOREIGN_CHANGE_DELAY)
      return
    }
    const source = endpoints.get(key)
    if (source === undefined || !isMirrored(source, services.get(key))) {
      told.delete(key)
      await writer.write(key, { create: [], update: [], delete: existing })
      return
    }
    const result = mirrorEndpoints(source, existing)
    try {
      await writer.write(key, result)
    } catch (error) {
      if (!isNamespaceGoing(error)) throw error
    }
    const problems = droppedText(result)
    const before = told.get(key) ?? []
    if (problems.length === 0) told.delete(key)
    else
      told.set(
        key,
        problems.map(({ message }) => message),
      )
    for (const problem of problems) {
      if (before.includes(problem.message)) continue
      logger.warn('addresses not mirrored', { endpoints: key, reason: problem.message })
      await report(source, { type: 'Warning', ...problem })
    }
  }
  const queue = createControllerQueue(context, { controller: 'endpointslicemirroring', sync })

  endpoints.onChange(({ key }) => queue.add(key))
  services.onChange(({ key }) => queue.add(key))
  slices.onChange((event) => {
    const after = ours(event.after)
    const touched = index.apply(ours(event.before), after)
    if (writer.isOwn({ key: event.key, after })) return
    for (const service of touched) queue.addAfter(service, FOREIGN_CHANGE_DELAY)
  })
}

/** With a selector the Endpoints are the other controller's, and so are the slices. */
function isMirrored(endpoints: Endpoints, service: Service | undefined): boolean {
  const { labels, annotations, deletionTimestamp } = endpoints.metadata
  return (
    service !== undefined &&
    !hasSelector(service.spec.selector) &&
    deletionTimestamp === undefined &&
    labels?.[LABEL_SKIP] !== 'true' &&
    annotations?.[LEADER_ANNOTATION] === undefined
  )
}

function ours(slice: EndpointSlice | undefined): EndpointSlice | undefined {
  return slice?.metadata.labels?.[LABEL_MANAGED_BY] === MIRRORING_CONTROLLER ? slice : undefined
}
