/**
 * events.k8s.io/v1: the Events of core/v1 under the names the newer API gives their fields (api-server.md 14.5). There is
 * one stored object, in the older form; this kind is a way to look at it.
 */
import type { Event, KubeObject, ObjectReference } from '#api'
import { apiVersionOf, EVENTS, EVENTS_V1, validateEventV1, validateEventV1Update } from '#api'
import { defineKind } from './define-kind.ts'
import { eventKind } from './event.ts'

export type EventV1 = KubeObject & {
  readonly regarding?: ObjectReference
  readonly reason?: string
  readonly note?: string
  readonly type?: string
  readonly reportingController?: string
}

/** Older name, newer name. Everything else is called the same. */
const RENAMED = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
] as const
const TO_NEW = new Map<string, string>(RENAMED)
const TO_OLD = new Map<string, string>(RENAMED.map(([older, newer]) => [newer, older]))

export function eventToV1(event: KubeObject): EventV1 {
  return { ...renamed(event, TO_NEW), apiVersion: apiVersionOf(EVENTS_V1) }
}

export function eventFromV1(event: KubeObject): Event {
  const old = renamed(event, TO_OLD) as Event
  return { ...old, apiVersion: apiVersionOf(EVENTS), involvedObject: old.involvedObject ?? {} }
}

function renamed(object: KubeObject, names: ReadonlyMap<string, string>): KubeObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value as unknown]),
  ) as unknown as KubeObject
}

export const eventV1Kind = defineKind<EventV1>({
  info: EVENTS_V1,
  schema: 'io.k8s.api.events.v1.Event',
  message: 'k8s.io.api.events.v1.Event',
  createOnUpdate: true,
  fields: (event) => {
    const { type = '', reason = '', reportingController = '' } = event
    const about = event.regarding ?? {}
    return {
      'regarding.kind': about.kind ?? '',
      'regarding.namespace': about.namespace ?? '',
      'regarding.name': about.name ?? '',
      'regarding.uid': about.uid ?? '',
      'regarding.apiVersion': about.apiVersion ?? '',
      'regarding.resourceVersion': about.resourceVersion ?? '',
      'regarding.fieldPath': about.fieldPath ?? '',
      reason,
      reportingController,
      type,
    }
  },
  validate: validateEventV1,
  validateUpdate: validateEventV1Update,
  view: {
    of: EVENTS,
    fromStored: eventToV1,
    toStored: eventFromV1,
  },
  table: {
    columns: eventKind.table.columns,
    cells: (event, now) => eventKind.table.cells(eventFromV1(event), now),
  },
})
