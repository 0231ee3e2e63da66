/** Events about objects the controllers keep, for `kubectl describe`. A lost event is no reason to stop work. */
import type { Event, KubeObject } from '#api'
import { EVENTS } from '#api'
import { messageOf } from '#lib'
import type { ControllerContext } from './shared-informers.ts'

export type Report = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export function createReporter(
  context: ControllerContext,
  component: string,
): (about: KubeObject, report: Report) => Promise<void> {
  const { client, clock, logger } = context
  let serial = 0
  return async (about, report) => {
    serial += 1
    const { name, namespace = 'default', uid, resourceVersion } = about.metadata
    const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name}.${clock.now().toString(16)}${serial.toString(16).padStart(4, '0')}` },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        namespace,
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      ...report,
      source: { component },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      reportingComponent: component,
    }
    try {
      await client.create<Event>(EVENTS, event)
    } catch (error) {
      logger.debug('event not recorded', { object: name, reason: report.reason, error: messageOf(error) })
    }
  }
}
