/** ServiceCIDR and IPAddress (networking/validation, KEP-1880; api-server.md 13). */
import { familyOf } from '#lib'
import type { FieldError } from './field-error.ts'
import { invalid, required } from './field-error.ts'
import { cidrProblems } from './ip-rules.ts'
import { dnsLabel, dnsSubdomain, pathSegment } from './name-rules.ts'
import { recordAt, sameValue, textAt, textListAt } from './read-value.ts'

const CIDRS = 'spec.cidrs'

export function validateServiceCIDR(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const cidrs = textListAt(errors, CIDRS, recordAt(errors, 'spec', recordAt(errors, '', value)['spec'])['cidrs'])
  if (errors.length > 0) return errors
  if (cidrs.length === 0) return [required(CIDRS, 'at least one CIDR required')]
  if (cidrs.length > 2) return [invalid(CIDRS, cidrs, 'may only hold up to 2 values')]
  const families = cidrs.map((cidr) => familyOf(cidr.split('/', 1)[0] ?? ''))
  if (cidrs.length === 2 && families[0] !== undefined && families[0] === families[1]) {
    return [
      invalid(CIDRS, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    ]
  }
  cidrs.forEach((cidr, i) => {
    const problems = cidrProblems(cidr)
    errors.push(...problems.map((problem) => invalid(`${CIDRS}[${i}]`, cidr, problem)))
    const length = Number(cidr.split('/')[1])
    // What the allocator cannot hold must not be promised (ipallocator.go).
    if (problems.length === 0 && families[i] === 'IPv6' && length < 64) {
      errors.push(invalid(`${CIDRS}[${i}]`, cidr, 'the prefix length of an IPv6 range must be at least 64'))
    }
  })
  return errors
}

/** A range stays what it is; one of a single family may get a second. */
export function validateServiceCIDRUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const cidrsOf = (object: unknown): readonly string[] =>
    textListAt([], '', recordAt([], '', recordAt([], '', object)['spec'])['cidrs'])
  const [now, before] = [cidrsOf(value), cidrsOf(old)]
  const extended = before.length === 1 && now.length === 2 && now[0] === before[0]
  const errors = [...validateServiceCIDR(value)]
  if (!extended && !sameValue(now, before)) errors.push(invalid(CIDRS, now, 'field is immutable'))
  return errors
}

export function validateIPAddress(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const field = 'spec.parentRef'
  const spec = recordAt(errors, 'spec', recordAt(errors, '', value)['spec'])
  if (spec['parentRef'] === undefined || spec['parentRef'] === null) return [...errors, required(field)]
  const parent = recordAt(errors, field, spec['parentRef'])
  for (const { key, needed, problemsOf } of [
    { key: 'group', needed: false, problemsOf: dnsSubdomain },
    { key: 'resource', needed: true, problemsOf: pathSegment },
    { key: 'name', needed: true, problemsOf: pathSegment },
    { key: 'namespace', needed: false, problemsOf: dnsLabel },
  ]) {
    const text = textAt(errors, `${field}.${key}`, parent[key])
    if (text !== '') errors.push(...problemsOf(text).map((problem) => invalid(`${field}.${key}`, text, problem)))
    else if (needed) errors.push(required(`${field}.${key}`))
  }
  return errors
}

export function validateIPAddressUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const specOf = (object: unknown): unknown => recordAt([], '', object)['spec']
  const errors = [...validateIPAddress(value)]
  if (!sameValue(specOf(value), specOf(old))) errors.push(invalid('spec', specOf(value), 'field is immutable'))
  return errors
}
