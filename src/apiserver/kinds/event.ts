/** core/v1 Events: notes about other objects, kept in the namespace of the object they are about. */
import type { Event } from '#api'
import { EVENTS, validateEvent } from '#api'
import { ageSince, NAME_COLUMN, textColumn, UNKNOWN, wideColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

type Series = { readonly count?: number; readonly lastObservedTime?: string | null }

export const eventKind = defineKind<Event>({
  info: EVENTS,
  schema: 'io.k8s.api.core.v1.Event',
  message: 'k8s.io.api.core.v1.Event',
  createOnUpdate: true,
  fields: (event) => {
    const about = event.involvedObject
    return {
      'involvedObject.kind': about?.kind ?? '',
      'involvedObject.namespace': about?.namespace ?? '',
      'involvedObject.name': about?.name ?? '',
      'involvedObject.uid': about?.uid ?? '',
      'involvedObject.apiVersion': about?.apiVersion ?? '',
      'involvedObject.resourceVersion': about?.resourceVersion ?? '',
      'involvedObject.fieldPath': about?.fieldPath ?? '',
      reason: event.reason ?? '',
      reportingComponent: event.reportingComponent ?? '',
      source: event.source?.component ?? event.reportingComponent ?? '',
      type: event.type ?? '',
    }
  },
  validate: validateEvent,
  table: {
    columns: [
      textColumn('Last Seen', 'Time since it happened last'),
      textColumn('Type', 'Normal or Warning'),
      textColumn('Reason', 'One word that programs can rely on'),
      textColumn('Object', 'Kind and name of the object it is about'),
      wideColumn('Subobject', 'Part of the object, such as one container'),
      wideColumn('Source', 'Component that reported it'),
      textColumn('Message', 'What happened, for people'),
      wideColumn('First Seen', 'Time since it happened first'),
      { name: 'Count', type: 'string', description: 'How often it happened', priority: 1 },
      { ...NAME_COLUMN, priority: 1 },
    ],
    cells: eventCells,
  },
})

function eventCells(event: Event, now: number): readonly (string | number)[] {
  const series = (event as { readonly series?: Series }).series
  const first = ageSince(event.firstTimestamp ?? event.eventTime, now)
  const lastAge = ageSince(series?.lastObservedTime ?? event.lastTimestamp, now)
  const about = event.involvedObject
  const kind = (about?.kind ?? '').toLowerCase()
  const source = event.source?.component ?? event.reportingComponent ?? ''
  return [
    lastAge === UNKNOWN ? first : lastAge,
    event.type ?? '',
    event.reason ?? '',
    about?.name === undefined || about.name === '' ? kind : `${kind}/${about.name}`,
    about?.fieldPath ?? '',
    event.source?.host === undefined || event.source.host === '' ? source : `${source}, ${event.source.host}`,
    (event.message ?? '').trim(),
    first,
    series?.count ?? (event.count === undefined || event.count === 0 ? 1 : event.count),
    event.metadata.name,
  ]
}
