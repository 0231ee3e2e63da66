/** Nodes, as far as the service path relies on them (core/validation; api-server.md 14.5). */
import { parseCidr } from '#lib'
import type { FieldError } from './field-error.ts'
import { duplicate, forbidden, invalid, notSupported, required } from './field-error.ts'
import { cidrProblems } from './ip-rules.ts'
import { labelValue, qualifiedName } from './name-rules.ts'
import { booleanAt, given, integerAt, listAt, recordAt, sameValue, textAt, textListAt } from './read-value.ts'

const EFFECTS: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateNode(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const node = recordAt(errors, '', value)
  const spec = recordAt(errors, 'spec', node['spec'])
  booleanAt(errors, 'spec.unschedulable', spec['unschedulable'])
  taintErrors(errors, spec['taints'])
  podCidrErrors(errors, textListAt(errors, 'spec.podCIDRs', spec['podCIDRs']))
  const podCIDR = textAt(errors, 'spec.podCIDR', spec['podCIDR'])
  const [first] = textListAt([], '', spec['podCIDRs'])
  if (podCIDR !== '' && first !== undefined && first !== podCIDR) {
    errors.push(invalid('spec.podCIDRs', spec['podCIDRs'], 'first value must match `podCIDR`'))
  }
  statusErrors(errors, node['status'])
  return errors
}

/** Pod ranges may be given once and then never change: the node's pods hold addresses of them. */
export function validateNodeUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const before = recordAt([], '', recordAt([], '', old)['spec'])
  const spec = recordAt([], '', recordAt([], '', value)['spec'])
  const had = textListAt([], '', before['podCIDRs'])
  const changed = had.length > 0 && !sameValue(had, spec['podCIDRs'])
  const text = 'node updates may not change podCIDR except from "" to valid'
  return [...validateNode(value), ...(changed ? [forbidden('spec.podCIDRs', text)] : [])]
}

function podCidrErrors(errors: FieldError[], cidrs: readonly string[]): void {
  cidrs.forEach((cidr, i) => {
    errors.push(...cidrProblems(cidr).map((problem) => invalid(`spec.podCIDRs[${i}]`, cidr, problem)))
  })
  if (cidrs.length > 2) {
    errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'))
  } else if (cidrs.length === 2) {
    const [first, second] = cidrs.map((cidr) => parseCidr(cidr)?.family)
    if (first !== undefined && first === second) {
      errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'))
    }
  }
}

function taintErrors(errors: FieldError[], value: unknown): void {
  const seen = new Set<string>()
  listAt(errors, 'spec.taints', value).forEach((item, i) => {
    const field = `spec.taints[${i}]`
    const taint = recordAt(errors, field, item)
    const key = textAt(errors, `${field}.key`, taint['key'])
    errors.push(...qualifiedName(key).map((problem) => invalid(`${field}.key`, key, problem)))
    const text = textAt(errors, `${field}.value`, taint['value'])
    errors.push(...labelValue(text).map((problem) => invalid(`${field}.value`, text, problem)))
    const effect = textAt(errors, `${field}.effect`, taint['effect'])
    if (effect === '') errors.push(required(`${field}.effect`))
    else if (!EFFECTS.includes(effect)) errors.push(notSupported(`${field}.effect`, effect, EFFECTS))
    const id = `${key}:${effect}`
    if (seen.has(id)) errors.push(duplicate(field, id))
    seen.add(id)
  })
}

function statusErrors(errors: FieldError[], value: unknown): void {
  const status = recordAt(errors, 'status', value)
  const seen = new Set<string>()
  listAt(errors, 'status.addresses', status['addresses']).forEach((item, i) => {
    const field = `status.addresses[${i}]`
    const address = recordAt(errors, field, item)
    const id = `${textAt(errors, `${field}.type`, address['type'])} ${textAt(errors, `${field}.address`, address['address'])}`
    if (seen.has(id)) errors.push(duplicate(field, item))
    seen.add(id)
  })
  listAt(errors, 'status.conditions', status['conditions']).forEach((item, i) => {
    const condition = recordAt(errors, `status.conditions[${i}]`, item)
    textAt(errors, `status.conditions[${i}].type`, condition['type'])
    textAt(errors, `status.conditions[${i}].status`, condition['status'])
  })
  const endpoints = recordAt(errors, 'status.daemonEndpoints', status['daemonEndpoints'])
  const kubelet = recordAt(errors, 'status.daemonEndpoints.kubeletEndpoint', endpoints['kubeletEndpoint'])
  if (given(kubelet['Port'])) integerAt(errors, 'status.daemonEndpoints.kubeletEndpoint.Port', kubelet['Port'])
}
