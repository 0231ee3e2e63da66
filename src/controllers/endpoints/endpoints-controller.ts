/** Keeps the Endpoints object of every Service with a selector, for clients older than EndpointSlices (api-server.md 15.3). */
import type { Endpoints, ObjectKey, Service } from '#api'
import { ENDPOINTS, splitKey } from '#api'
import { createControllerQueue, isNamespaceGoing, unlessGone } from '../shared/controller-queue.ts'
import { hasSelector } from '../shared/match-labels.ts'
import { endpointFacts } from '../shared/pod-facts.ts'
import { servicesTouched } from '../shared/selection-index.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { createTriggerTimes, TRIGGER_TIME, withTriggerTime } from '../shared/trigger-times.ts'
import { buildEndpoints, sameEndpoints } from './build-endpoints.ts'

/** Old leader elections live in an Endpoints object without a Service. */
export const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader'

export function createEndpointsController(context: ControllerContext): void {
  const { informers, client } = context
  const { services, pods, endpoints, selection } = informers
  const triggerTimes = createTriggerTimes()

  const sync = async (key: ObjectKey): Promise<void> => {
    const service = services.get(key)
    const current = endpoints.get(key)
    if (service === undefined) {
      triggerTimes.forget(key)
      if (current !== undefined && current.metadata.annotations?.[LEADER_ANNOTATION] === undefined) {
        const { uid } = current.metadata
        await unlessGone(client.delete(ENDPOINTS, splitKey(key), uid === undefined ? {} : { preconditions: { uid } }))
      }
      return
    }
    if (service.spec.type === 'ExternalName' || !hasSelector(service.spec.selector)) return
    await write(key, service, current)
  }

  const write = async (key: ObjectKey, service: Service, current: Endpoints | undefined): Promise<void> => {
    const selected = selection.podsOf(service)
    const triggerTime = triggerTimes.observe(key, service, selected)
    const wanted = buildEndpoints(service, selected)
    if (current !== undefined && sameEndpoints(current, wanted)) return
    const metadata = withTriggerTime(wanted.metadata, triggerTime)
    if (current !== undefined) {
      const annotations = mergedAnnotations(current.metadata.annotations, metadata.annotations)
      await client.update<Endpoints>(ENDPOINTS, {
        ...wanted,
        metadata: { ...current.metadata, ...metadata, annotations },
      })
      return
    }
    if (service.metadata.deletionTimestamp !== undefined) return
    try {
      await client.create<Endpoints>(ENDPOINTS, { ...wanted, metadata })
    } catch (error) {
      if (!isNamespaceGoing(error)) throw error
    }
  }
  const queue = createControllerQueue(context, { controller: 'endpoints', sync })

  services.onChange(({ key }) => queue.add(key))
  pods.onChange((event) => {
    if (endpointFacts(event.before) === endpointFacts(event.after)) return
    for (const service of servicesTouched(selection, event)) queue.add(service)
  })
  endpoints.onChange(({ key }) => queue.add(key))
}

/** Keeps what others annotated, but not our own marks of an earlier state. */
function mergedAnnotations(
  current: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const others = Object.entries(current ?? {}).filter(
    ([key]) => key !== TRIGGER_TIME && key !== 'endpoints.kubernetes.io/over-capacity',
  )
  return { ...Object.fromEntries(others), ...wanted }
}
