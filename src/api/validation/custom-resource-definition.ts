/** CustomResourceDefinitions (apiextensions validation, and the rules for structural schemas, KEP-1693). */
import type { FieldError } from './field-error.ts'
import { duplicate, forbidden, invalid, notSupported, required } from './field-error.ts'
import { dnsLabel, dnsSubdomain } from './name-rules.ts'
import type { Fields } from './read-value.ts'
import { given, isRecord, listAt, recordAt, sameValue, textAt, textMapAt } from './read-value.ts'

const APPROVAL = 'api-approved.kubernetes.io'
const TYPES: readonly string[] = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const MAX_DEPTH = 100

export function validateCustomResourceDefinition(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  const spec = recordAt(errors, 'spec', object['spec'])
  const group = textAt(errors, 'spec.group', spec['group'])
  if (group === '') errors.push(required('spec.group'))
  else {
    errors.push(...dnsSubdomain(group).map((problem) => invalid('spec.group', group, problem)))
    if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
  }
  namesErrors(errors, spec)
  const metadata = recordAt([], '', object['metadata'])
  const plural = textAt([], '', recordAt([], '', spec['names'])['plural'])
  if (metadata['name'] !== `${plural}.${group}`) {
    errors.push(invalid('metadata.name', metadata['name'], 'must be spec.names.plural+"."+spec.group'))
  }
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(group)
  if (isProtected && (textMapAt([], '', metadata['annotations'])[APPROVAL] ?? '') === '') {
    const text =
      'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'
    errors.push(required(`metadata.annotations[${APPROVAL}]`, text))
  }
  const scope = textAt(errors, 'spec.scope', spec['scope'])
  if (scope !== 'Cluster' && scope !== 'Namespaced') {
    errors.push(notSupported('spec.scope', scope, ['Cluster', 'Namespaced']))
  }
  if (spec['preserveUnknownFields'] === true) {
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false'))
  }
  const strategy = recordAt(errors, 'spec.conversion', spec['conversion'])['strategy']
  // A webhook that nobody calls would make versions that lie.
  if (given(strategy) && strategy !== 'None') errors.push(notSupported('spec.conversion.strategy', strategy, ['None']))
  versionsErrors(errors, spec)
  return errors
}

/** Names stay: stored objects are found by them. */
export function validateCustomResourceDefinitionUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const errors = [...validateCustomResourceDefinition(value)]
  const [now, before] = [value, old].map((object) => recordAt([], '', recordAt([], '', object)['spec']))
  for (const key of ['group', 'scope']) {
    if (!sameValue(now?.[key], before?.[key])) errors.push(invalid(`spec.${key}`, now?.[key], 'field is immutable'))
  }
  const [names, oldNames] = [now, before].map((spec) => recordAt([], '', spec?.['names']))
  for (const key of ['kind', 'plural']) {
    if (!sameValue(names?.[key], oldNames?.[key])) {
      errors.push(invalid(`spec.names.${key}`, names?.[key], 'field is immutable'))
    }
  }
  const stored = recordAt([], '', recordAt([], '', value)['status'])['storedVersions']
  const known = new Set(listAt([], '', now?.['versions']).map((version) => recordAt([], '', version)['name']))
  for (const version of listAt([], '', stored)) {
    if (!known.has(version)) errors.push(invalid('status.storedVersions', version, 'must appear in spec.versions'))
  }
  return errors
}

function namesErrors(errors: FieldError[], spec: Fields): void {
  const names = recordAt(errors, 'spec.names', spec['names'])
  for (const [key, needed] of [
    ['plural', true],
    ['singular', false],
    ['kind', true],
    ['listKind', false],
  ] as const) {
    const text = textAt(errors, `spec.names.${key}`, names[key])
    if (text === '' && needed) errors.push(required(`spec.names.${key}`))
    if (text !== '') {
      errors.push(...dnsLabel(text.toLowerCase()).map((problem) => invalid(`spec.names.${key}`, text, problem)))
    }
  }
  if (names['kind'] !== undefined && names['kind'] === names['listKind']) {
    errors.push(invalid('spec.names.listKind', names['listKind'], 'kind and listKind may not be the same'))
  }
}

function versionsErrors(errors: FieldError[], spec: Fields): void {
  const versions = listAt(errors, 'spec.versions', spec['versions'])
  const seen = new Set<string>()
  let storages = 0
  versions.forEach((item, i) => {
    const field = `spec.versions[${i}]`
    const version = recordAt(errors, field, item)
    const name = textAt(errors, `${field}.name`, version['name'])
    errors.push(...dnsLabel(name).map((problem) => invalid(`${field}.name`, name, problem)))
    if (seen.has(name)) errors.push(duplicate(`${field}.name`, name))
    seen.add(name)
    if (version['storage'] === true) storages += 1
    const at = `${field}.schema.openAPIV3Schema`
    const schema = recordAt(errors, `${field}.schema`, version['schema'])['openAPIV3Schema']
    if (!isRecord(schema)) {
      errors.push(required(at, 'schemas are required'))
      return
    }
    if (schema['type'] !== 'object')
      errors.push(invalid(`${at}.type`, schema['type'] ?? '', 'must be object at the root'))
    schemaErrors(errors, at, { value: schema, structural: true, depth: 0 })
  })
  if (storages !== 1) {
    const text = 'must have exactly one version marked as storage version'
    errors.push(
      invalid(
        'spec.versions',
        versions.map((version) => recordAt([], '', version)['name']),
        text,
      ),
    )
  }
}

type Place = { readonly value: unknown; readonly structural: boolean; readonly depth: number }

/** `structural: false`: inside allOf, anyOf, oneOf and not, which only restrict what is said outside of them. */
function schemaErrors(errors: FieldError[], field: string, place: Place): void {
  if (place.depth > MAX_DEPTH) {
    errors.push(forbidden(field, 'the schema is nested too deeply'))
    return
  }
  const schema = recordAt(errors, field, place.value)
  const below = (key: string, value: unknown, structural = place.structural): void =>
    schemaErrors(errors, `${field}.${key}`, { value, structural, depth: place.depth + 1 })
  const isFree =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
  if (given(schema['type'])) {
    const type = textAt(errors, `${field}.type`, schema['type'])
    if (!TYPES.includes(type)) errors.push(notSupported(`${field}.type`, type, TYPES))
  } else if (place.structural && !isFree) {
    errors.push(required(`${field}.type`, 'must not be empty for specified object fields'))
  }
  for (const key of ['$ref', 'definitions', 'dependencies', 'patternProperties', 'deprecated', 'id']) {
    if (given(schema[key])) errors.push(forbidden(`${field}.${key}`, `${key} is not supported`))
  }
  patternErrors(errors, `${field}.pattern`, schema['pattern'])
  for (const [name, property] of Object.entries(recordAt(errors, `${field}.properties`, schema['properties']))) {
    below(`properties[${name}]`, property)
  }
  if (given(schema['items'])) below('items', schema['items'])
  else if (place.structural && schema['type'] === 'array') errors.push(required(`${field}.items`, 'must be specified'))
  const rest = schema['additionalProperties']
  if (given(rest) && typeof rest !== 'boolean') below('additionalProperties', rest)
  if (given(rest) && rest !== false && given(schema['properties']) && place.structural) {
    errors.push(forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  }
  for (const key of ['allOf', 'anyOf', 'oneOf']) {
    listAt(errors, `${field}.${key}`, schema[key]).forEach((item, i) => below(`${key}[${i}]`, item, false))
  }
  if (given(schema['not'])) below('not', schema['not'], false)
}

function patternErrors(errors: FieldError[], field: string, value: unknown): void {
  const pattern = textAt(errors, field, value)
  try {
    new RegExp(pattern)
  } catch (error) {
    errors.push(invalid(field, pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`))
  }
}
