/**
 * ObjectMeta rules common to all kinds (api-server.md 9; apimachinery api/validation/objectmeta.go). Paths and texts
 * are those of upstream, including that label errors are reported on `metadata.labels` as a whole.
 */
import { canonicalAddress } from '#lib'
import { listAt, recordAt, sameValue, textAt, textListAt, textMapAt, given, integerAt } from './read-value.ts'
import type { Fields } from './read-value.ts'
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, required, tooLong, typeInvalid } from './field-error.ts'
import { addressProblems } from './ip-rules.ts'
import { dnsLabel, dnsSubdomain, labelValue, pathSegment, qualifiedName } from './name-rules.ts'

/** `path`: anything that fits into a URL (RBAC); `address`: an IP address in canonical form (IPAddress). */
export type NameRule = 'subdomain' | 'label' | 'path' | 'address'

export type ObjectMetaRules = { readonly namespaced: boolean; readonly nameRule: NameRule }

const NAME_CHECKS: Readonly<Record<NameRule, (text: string) => readonly string[]>> = {
  subdomain: dnsSubdomain,
  label: dnsLabel,
  path: pathSegment,
  address: (text) => {
    const problems = addressProblems(text)
    return problems.length > 0 || canonicalAddress(text) === text
      ? problems
      : [`must be in canonical form ("${canonicalAddress(text)}")`]
  },
}

export const MAX_ANNOTATION_BYTES = 262_144

const STANDARD_FINALIZERS: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion']

export function validateObjectMeta(value: unknown, rules: ObjectMetaRules): readonly FieldError[] {
  const errors: FieldError[] = []
  const meta = recordAt(errors, 'metadata', value)
  validateNames(errors, meta, rules)
  if (integerAt(errors, 'metadata.generation', meta['generation']) < 0) {
    errors.push(invalid('metadata.generation', meta['generation'], 'must be greater than or equal to 0'))
  }
  errors.push(...validateLabels('metadata.labels', meta['labels']))
  errors.push(...validateAnnotations(meta['annotations']))
  errors.push(...validateOwners(meta['ownerReferences']))
  errors.push(...validateFinalizers(meta['finalizers']))
  listAt(errors, 'metadata.managedFields', meta['managedFields']).forEach((entry, i) => {
    const field = `metadata.managedFields[${i}]`
    const operation = recordAt(errors, field, entry)['operation']
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(invalid(`${field}.operation`, operation, 'must be `Apply` or `Update`'))
    }
  })
  return errors
}

/** Changes that no update may make. Names and uid that the request left out have been filled in before. */
export function validateObjectMetaUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const meta = recordAt(errors, 'metadata', value)
  const before = recordAt([], 'metadata', old)
  if (given(before['deletionTimestamp'])) {
    const had = new Set(textListAt([], '', before['finalizers']))
    const added = textListAt([], '', meta['finalizers']).filter((finalizer) => !had.has(finalizer))
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
      errors.push(forbidden('metadata.finalizers', text))
    }
  }
  if (typeof meta['generation'] === 'number' && typeof before['generation'] === 'number') {
    if (meta['generation'] < before['generation']) {
      errors.push(invalid('metadata.generation', meta['generation'], 'must not be decremented'))
    }
  }
  for (const key of ['name', 'namespace', 'uid', 'deletionTimestamp', 'deletionGracePeriodSeconds']) {
    const changed = given(meta[key]) && meta[key] !== '' && !sameValue(meta[key], before[key])
    if (changed) errors.push(invalid(`metadata.${key}`, meta[key], 'field is immutable'))
  }
  return errors
}

/** Also used for selectors, which follow the label rules. */
export function validateLabels(field: string, value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const [key, text] of Object.entries(textMapAt(errors, field, value))) {
    errors.push(...qualifiedName(key).map((problem) => invalid(field, key, problem)))
    errors.push(...labelValue(text).map((problem) => invalid(field, text, problem)))
  }
  return errors
}

function validateNames(errors: FieldError[], meta: Fields, rules: ObjectMetaRules): void {
  const check = NAME_CHECKS[rules.nameRule]
  const generateName = textAt(errors, 'metadata.generateName', meta['generateName'])
  if (generateName !== '') {
    // A prefix may end in a dash: the random part follows.
    const masked =
      generateName.length > 1 && generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName
    errors.push(...check(masked).map((problem) => invalid('metadata.generateName', generateName, problem)))
  }
  const name = textAt(errors, 'metadata.name', meta['name'])
  if (name === '') errors.push(required('metadata.name', 'name or generateName is required'))
  else errors.push(...check(name).map((problem) => invalid('metadata.name', name, problem)))
  const namespace = textAt(errors, 'metadata.namespace', meta['namespace'])
  if (!rules.namespaced) {
    if (namespace !== '') errors.push(forbidden('metadata.namespace', 'not allowed on this type'))
  } else if (namespace === '') errors.push(required('metadata.namespace'))
  else errors.push(...dnsLabel(namespace).map((problem) => invalid('metadata.namespace', namespace, problem)))
}

function validateAnnotations(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const field = 'metadata.annotations'
  let bytes = 0
  for (const [key, text] of Object.entries(textMapAt(errors, field, value))) {
    errors.push(...qualifiedName(key.toLowerCase()).map((problem) => invalid(field, key, problem)))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(text)
  }
  if (bytes > MAX_ANNOTATION_BYTES) errors.push(tooLong(field, MAX_ANNOTATION_BYTES))
  return errors
}

function validateOwners(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const field = 'metadata.ownerReferences'
  const controllers: string[] = []
  listAt(errors, field, value).forEach((item, i) => {
    const owner = recordAt(errors, `${field}[${i}]`, item)
    for (const [key, word] of [
      ['apiVersion', 'version'],
      ['kind', 'kind'],
      ['name', 'name'],
      ['uid', 'uid'],
    ] as const) {
      if (textAt(errors, `${field}.${key}`, owner[key]) === '') {
        errors.push(invalid(`${field}.${key}`, owner[key] ?? '', `${word} must not be empty`))
      }
    }
    if (given(owner['controller']) && typeof owner['controller'] !== 'boolean') {
      errors.push(typeInvalid(`${field}.controller`, owner['controller'], 'a boolean'))
    }
    if (owner['controller'] === true) controllers.push(`${String(owner['kind'])}/${String(owner['name'])}`)
  })
  const [first, second] = controllers
  if (first !== undefined && second !== undefined) {
    const text = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`
    errors.push(invalid(field, value, text))
  }
  return errors
}

function validateFinalizers(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const field = 'metadata.finalizers'
  const finalizers = textListAt(errors, field, value)
  for (const finalizer of finalizers) {
    errors.push(...qualifiedName(finalizer).map((problem) => invalid(field, finalizer, problem)))
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  finalizers.forEach((finalizer, i) => {
    if (finalizer !== '' && !finalizer.includes('/') && !STANDARD_FINALIZERS.includes(finalizer)) {
      const text = 'name is neither a standard finalizer name nor is it fully qualified'
      errors.push(invalid(`${field}[${i}]`, finalizer, text))
    }
  })
  return errors
}
