/** Deployment and ReplicaSet (apps/validation). What is said of pods in general is said by `validatePod`. */
import type { LabelSelector } from '../apps.ts'
import { selectorMatches } from '../label-selector.ts'
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, notSupported, required } from './field-error.ts'
import { validateLabelSelector } from './label-selector.ts'
import { validateLabels } from './object-meta.ts'
import { validatePod } from './pod.ts'
import type { Fields } from './read-value.ts'
import { given, integerAt, isRecord, recordAt, sameValue, textAt, textMapAt } from './read-value.ts'

const TEMPLATE = 'spec.template'
const NEGATIVE = 'must be greater than or equal to 0'

export function validateReplicaSet(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  const spec = recordAt(errors, 'spec', object['spec'])
  counts(errors, spec, ['replicas', 'minReadySeconds'])
  selectorErrors(errors, spec)
  templateErrors(errors, spec)
  statusCounts(errors, recordAt(errors, 'status', object['status']))
  return errors
}

export function validateReplicaSetUpdate(value: unknown, old: unknown): readonly FieldError[] {
  return [...validateReplicaSet(value), ...selectorChange(value, old)]
}

export function validateDeployment(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  const spec = recordAt(errors, 'spec', object['spec'])
  counts(errors, spec, ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'])
  selectorErrors(errors, spec)
  templateErrors(errors, spec)
  strategyErrors(errors, recordAt(errors, 'spec.strategy', spec['strategy']))
  const deadline = spec['progressDeadlineSeconds']
  if (typeof deadline === 'number' && deadline <= integerAt([], '', spec['minReadySeconds'])) {
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  }
  statusCounts(errors, recordAt(errors, 'status', object['status']))
  return errors
}

export function validateDeploymentUpdate(value: unknown, old: unknown): readonly FieldError[] {
  return [...validateDeployment(value), ...selectorChange(value, old)]
}

function counts(errors: FieldError[], spec: Fields, keys: readonly string[]): void {
  for (const key of keys) {
    const count = integerAt(errors, `spec.${key}`, spec[key])
    if (count < 0) errors.push(invalid(`spec.${key}`, count, NEGATIVE))
  }
}

function statusCounts(errors: FieldError[], status: Fields): void {
  for (const key of ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'fullyLabeledReplicas']) {
    const count = integerAt(errors, `status.${key}`, status[key])
    if (count < 0) errors.push(invalid(`status.${key}`, count, NEGATIVE))
  }
  const replicas = integerAt([], '', status['replicas'])
  const ready = integerAt([], '', status['readyReplicas'])
  if (ready > replicas) errors.push(invalid('status.readyReplicas', ready, 'cannot be greater than status.replicas'))
  const available = integerAt([], '', status['availableReplicas'])
  if (available > ready) {
    errors.push(invalid('status.availableReplicas', available, 'cannot be greater than readyReplicas'))
  }
}

function selectorErrors(errors: FieldError[], spec: Fields): void {
  const field = 'spec.selector'
  if (!given(spec['selector'])) {
    errors.push(required(field))
    return
  }
  const before = errors.length
  errors.push(...validateLabelSelector(field, spec['selector']))
  const selector = recordAt([], '', spec['selector'])
  const isEmpty =
    Object.keys(recordAt([], '', selector['matchLabels'])).length === 0 &&
    (!Array.isArray(selector['matchExpressions']) || selector['matchExpressions'].length === 0)
  if (isEmpty) errors.push(invalid(field, selector, 'empty selector is invalid for deployment'))
  if (errors.length > before) return
  const labels = textMapAt([], '', recordAt([], '', recordAt([], '', spec['template'])['metadata'])['labels'])
  if (!selectorMatches(selector as LabelSelector, labels)) {
    errors.push(invalid(`${TEMPLATE}.metadata.labels`, labels, '`selector` does not match template `labels`'))
  }
}

function templateErrors(errors: FieldError[], spec: Fields): void {
  const template = recordAt(errors, TEMPLATE, spec['template'])
  const metadata = recordAt(errors, `${TEMPLATE}.metadata`, template['metadata'])
  errors.push(...validateLabels(`${TEMPLATE}.metadata.labels`, metadata['labels']))
  textMapAt(errors, `${TEMPLATE}.metadata.annotations`, metadata['annotations'])
  errors.push(
    ...validatePod({ spec: template['spec'] }).map((error) => ({ ...error, field: `${TEMPLATE}.${error.field}` })),
  )
  const policy = recordAt([], '', template['spec'])['restartPolicy']
  if (given(policy) && policy !== 'Always') {
    errors.push(notSupported(`${TEMPLATE}.spec.restartPolicy`, policy, ['Always']))
  }
}

function strategyErrors(errors: FieldError[], strategy: Fields): void {
  const field = 'spec.strategy'
  const type = textAt(errors, `${field}.type`, strategy['type'])
  if (type === 'Recreate') {
    if (given(strategy['rollingUpdate'])) {
      const text = "may not be specified when strategy `type` is 'Recreate'"
      errors.push(forbidden(`${field}.rollingUpdate`, text))
    }
    return
  }
  if (type !== 'RollingUpdate') {
    errors.push(notSupported(`${field}.type`, type, ['Recreate', 'RollingUpdate']))
    return
  }
  const at = `${field}.rollingUpdate`
  if (!given(strategy['rollingUpdate'])) {
    errors.push(required(at, 'this should be defaulted and never be nil'))
    return
  }
  const rolling = recordAt(errors, at, strategy['rollingUpdate'])
  const unavailable = share(errors, `${at}.maxUnavailable`, rolling['maxUnavailable'])
  const surge = share(errors, `${at}.maxSurge`, rolling['maxSurge'])
  if (unavailable === 0 && surge === 0) {
    errors.push(invalid(`${at}.maxUnavailable`, rolling['maxUnavailable'], 'may not be 0 when `maxSurge` is 0'))
  }
  const text = rolling['maxUnavailable']
  if (typeof text === 'string' && unavailable !== undefined && unavailable > 100) {
    errors.push(invalid(`${at}.maxUnavailable`, text, 'must not be greater than 100%'))
  }
}

/** The number, of pods or percent; undefined if it is neither. */
function share(errors: FieldError[], field: string, value: unknown): number | undefined {
  if (typeof value === 'string') {
    if (/^[0-9]+%$/.test(value)) return Number(value.slice(0, -1))
    errors.push(
      invalid(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')",
      ),
    )
    return undefined
  }
  const number = integerAt(errors, field, value)
  if (number < 0) errors.push(invalid(field, number, NEGATIVE))
  return number
}

function selectorChange(value: unknown, old: unknown): readonly FieldError[] {
  const selectorOf = (object: unknown): unknown => {
    const spec = isRecord(object) ? object['spec'] : undefined
    return isRecord(spec) ? spec['selector'] : undefined
  }
  return sameValue(selectorOf(value), selectorOf(old))
    ? []
    : [invalid('spec.selector', selectorOf(value), 'field is immutable')]
}
