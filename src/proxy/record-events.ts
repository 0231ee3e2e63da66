/**
 * Events of the proxy as API objects. A courtesy: one that cannot be written is logged and forgotten. Equal ones are
 * counted in one object, so that a port that stays taken does not fill the API server.
 */
import type { Event } from '#api'
import { EVENTS } from '#api'
import type { Clock, Logger } from '#lib'
import { base32Hash, hasCode, messageOf } from '#lib'
import type { ApiClient } from '#watch'
import type { EventSink, ProxyEvent } from './events.ts'

export type EventRecorderOptions = {
  readonly client: ApiClient
  readonly nodeName: string
  readonly clock: Clock
  readonly logger: Logger
}

const COMPONENT = 'signalbox-proxy'
/** The API server's limit for messages. */
const MESSAGE_LIMIT = 1024

export function createEventRecorder({ client, nodeName, clock, logger }: EventRecorderOptions): EventSink {
  const counts = new Map<string, number>()
  const write = async (told: ProxyEvent): Promise<void> => {
    const event = eventOf(told, nodeName, new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'))
    const { name, namespace = 'default' } = event.metadata
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    if (count === 1) {
      try {
        await client.create(EVENTS, event)
        return
      } catch (error) {
        if (!hasCode(error, 'SBX_API_ALREADY_EXISTS')) throw error
      }
    }
    const body = { count, lastTimestamp: event.lastTimestamp }
    await client.patch(EVENTS, { namespace, name }, { type: 'merge', body })
  }
  return (event) => {
    write(event).catch((error: unknown) => {
      logger.debug('event not recorded', { reason: event.reason, message: messageOf(error) })
    })
  }
}

/** Events of a node are in the default namespace, as the kubelet's and kube-proxy's are. */
function eventOf({ service, type, reason, message }: ProxyEvent, node: string, now: string): Event {
  const [namespace = 'default', serviceName = ''] = service?.split('/', 2) ?? []
  const involvedObject =
    service === undefined
      ? { apiVersion: 'v1', kind: 'Node', name: node, uid: node }
      : { apiVersion: 'v1', kind: 'Service', namespace, name: serviceName }
  const subject = service === undefined ? node : serviceName
  const hash = base32Hash(`${COMPONENT} ${node} ${reason} ${message}`, 16).toLowerCase()
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${subject}.${hash}`, namespace },
    involvedObject,
    type,
    reason,
    message: message.slice(0, MESSAGE_LIMIT),
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: COMPONENT, host: node },
    reportingComponent: COMPONENT,
    reportingInstance: node,
  }
}
