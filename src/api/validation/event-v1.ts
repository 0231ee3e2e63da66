/**
 * What the newer API asks of Events beyond the older one (core/validation/events.go, ValidateEventCreate): who reports
 * what must be said, and the fields of the past are read-only. The object is in the form of events.k8s.io/v1.
 */
import type { FieldError } from './field-error.ts'
import { invalid, required } from './field-error.ts'
import { qualifiedName } from './name-rules.ts'
import { given, integerAt, isRecord, recordAt, sameValue, textAt } from './read-value.ts'

const MAX_TEXT = 128
const MAX_NOTE = 1024
const FORMER = ['deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'deprecatedCount', 'deprecatedSource'] as const

export function validateEventV1(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const event = recordAt(errors, '', value)
  if (!given(event['eventTime'])) errors.push(required('eventTime'))
  if (given(event['series'])) {
    const series = recordAt(errors, 'series', event['series'])
    if (integerAt(errors, 'series.count', series['count']) < 2)
      errors.push(invalid('series.count', series['count'] ?? 0, 'should be at least 2'))
    if (!given(series['lastObservedTime'])) errors.push(required('series.lastObservedTime'))
  }
  const reporter = textAt(errors, 'reportingController', event['reportingController'])
  if (reporter === '') errors.push(required('reportingController'))
  else errors.push(...qualifiedName(reporter).map((problem) => invalid('reportingController', reporter, problem)))
  for (const key of ['reportingInstance', 'action', 'reason'] as const) {
    const text = textAt(errors, key, event[key])
    if (text === '') errors.push(required(key))
    else if (text.length > MAX_TEXT) errors.push(invalid(key, text, `can have at most ${MAX_TEXT} characters`))
  }
  if (textAt(errors, 'note', event['note']).length > MAX_NOTE) {
    errors.push(invalid('note', event['note'], `can have at most ${MAX_NOTE} characters`))
  }
  const type = textAt(errors, 'type', event['type'])
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalid('type', type, 'has invalid value'))
  errors.push(...namespaceErrors(event))
  for (const key of FORMER) {
    const former = event[key]
    const isUnset = !given(former) || former === 0 || (isRecord(former) && Object.keys(former).length === 0)
    if (!isUnset) errors.push(invalid(key, former, 'needs to be unset'))
  }
  return errors
}

/** Only the series may grow: an event is a record of what was seen. */
export function validateEventV1Update(value: unknown, old: unknown): readonly FieldError[] {
  const [event, before] = [recordAt([], '', value), recordAt([], '', old)]
  const keys = [
    'eventTime',
    'reportingController',
    'reportingInstance',
    'action',
    'reason',
    'regarding',
    'related',
    'note',
    'type',
  ]
  return [
    ...namespaceErrors(event),
    ...keys
      .filter((key) => !sameValue(event[key], before[key]))
      .map((key) => invalid(key, event[key], 'field is immutable')),
  ]
}

function namespaceErrors(event: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const namespace = textAt([], '', recordAt([], '', event['metadata'])['namespace'])
  const owner = textAt([], '', recordAt([], '', event['regarding'])['namespace'])
  const fits = owner === '' ? namespace === 'default' || namespace === 'kube-system' : owner === namespace
  return fits ? [] : [invalid('regarding.namespace', owner, 'does not match event.namespace')]
}
