/** Events that the server itself reports about objects, for `kubectl describe`. */
import { randomBytes } from 'node:crypto'

import type { Event, KubeObject } from '#api'
import { apiVersionOf, EVENTS } from '#api'
import type { Registry } from '../registry/index.ts'
import { createNow, timestamp } from '../registry/index.ts'

export type Report = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly component: string
}

/** Throws `Refused` where no event can be: in a namespace that is going. */
export function recordEvent(registry: Registry, about: KubeObject, report: Report): void {
  const kind = registry.kinds.find(({ info }) => info.group === EVENTS.group && info.resource === EVENTS.resource)
  if (kind === undefined) return
  const { name, uid, resourceVersion, namespace: own } = about.metadata
  const namespace = own ?? 'default'
  const { component, ...said } = report
  const now = timestamp(registry.clock.now())
  const event: Event = {
    apiVersion: apiVersionOf(EVENTS),
    kind: EVENTS.kind,
    // The name of an IPv6 address is no name for an event.
    metadata: {
      namespace,
      name: `${name.replaceAll(':', '-').replace(/^-+/, 'ip-')}.${randomBytes(8).toString('hex')}`,
    },
    involvedObject: {
      kind: about.kind,
      apiVersion: about.apiVersion,
      name,
      ...(own === undefined ? {} : { namespace: own }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    ...said,
    source: { component },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    reportingComponent: component,
    reportingInstance: '',
  }
  const options = {
    user: { name: 'system:apiserver', groups: ['system:masters'] },
    dryRun: false,
    warn: () => undefined,
  }
  createNow(registry, { kind, namespace, object: event, options })
}
