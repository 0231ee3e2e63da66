/** Events and leases: the few rules they have (core/validation/events.go, coordination/validation). */
import type { FieldError } from './field-error.ts'
import { invalid, required } from './field-error.ts'
import { given, integerAt, recordAt, textAt } from './read-value.ts'

/** An event lives where the object it is about lives; those about cluster-scoped objects live in `default`. */
export function validateEvent(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const event = recordAt(errors, '', value)
  const namespace = textAt([], '', recordAt(errors, 'metadata', event['metadata'])['namespace'])
  const about = recordAt(errors, 'involvedObject', event['involvedObject'])
  const owner = textAt(errors, 'involvedObject.namespace', about['namespace'])
  textAt(errors, 'involvedObject.name', about['name'])
  textAt(errors, 'involvedObject.kind', about['kind'])
  const fits = owner === '' ? namespace === 'default' || namespace === 'kube-system' : owner === namespace
  if (!fits) errors.push(invalid('involvedObject.namespace', owner, 'does not match event.namespace'))
  for (const key of ['reason', 'message', 'type', 'reportingComponent', 'reportingInstance', 'action']) {
    textAt(errors, key, event[key])
  }
  integerAt(errors, 'count', event['count'])
  // Events of the newer API carry eventTime and then need the fields that identify who reports what.
  if (given(event['eventTime'])) {
    if (textAt([], '', event['reportingComponent']) === '') errors.push(required('reportingController'))
    if (textAt([], '', event['reportingInstance']) === '') errors.push(required('reportingInstance'))
    if (textAt([], '', event['action']) === '') errors.push(required('action'))
    if (textAt([], '', event['reason']) === '') errors.push(required('reason'))
  }
  return errors
}

export function validateLease(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const spec = recordAt(errors, 'spec', recordAt(errors, '', value)['spec'])
  const holder = textAt(errors, 'spec.holderIdentity', spec['holderIdentity'])
  if (given(spec['holderIdentity']) && holder === '') {
    errors.push(invalid('spec.holderIdentity', '', 'must not be empty'))
  }
  const duration = integerAt(errors, 'spec.leaseDurationSeconds', spec['leaseDurationSeconds'])
  if (given(spec['leaseDurationSeconds']) && duration <= 0) {
    errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'))
  }
  const transitions = integerAt(errors, 'spec.leaseTransitions', spec['leaseTransitions'])
  if (transitions < 0) {
    errors.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'))
  }
  return errors
}
