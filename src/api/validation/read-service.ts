/** A Service read field by field, so that the rules work on values of known types whatever the object holds. */
import type { FieldError } from './field-error.ts'
import { typeInvalid } from './field-error.ts'
import { booleanAt, given, integerAt, listAt, recordAt, textAt, textListAt, textMapAt } from './read-value.ts'
import type { Fields } from './read-value.ts'

export type ServicePortView = {
  readonly fields: Fields
  readonly name: string
  readonly protocol: string
  readonly port: number
  readonly targetPort: number | string
  readonly nodePort: number
}

export type ServiceView = {
  readonly spec: Fields
  readonly annotations: Readonly<Record<string, string>>
  readonly type: string
  readonly clusterIP: string
  readonly clusterIPs: readonly string[]
  readonly ipFamilies: readonly string[]
  /** Undefined: not given. */
  readonly ipFamilyPolicy: string | undefined
  readonly ports: readonly ServicePortView[]
  readonly externalIPs: readonly string[]
  readonly externalName: string
  readonly sessionAffinity: string
  readonly externalTrafficPolicy: string
  readonly internalTrafficPolicy: string | undefined
  readonly healthCheckNodePort: number
  readonly loadBalancerClass: string | undefined
  readonly sourceRanges: readonly string[]
  readonly allocateNodePorts: boolean | undefined
  readonly trafficDistribution: string | undefined
}

export function readService(errors: FieldError[], value: unknown): ServiceView {
  const object = recordAt(errors, '', value)
  const spec = recordAt(errors, 'spec', object['spec'])
  const text = (key: string): string => textAt(errors, `spec.${key}`, spec[key])
  const optional = (key: string): string | undefined => (given(spec[key]) ? text(key) : undefined)
  const texts = (key: string): readonly string[] => textListAt(errors, `spec.${key}`, spec[key])
  text('loadBalancerIP')
  booleanAt(errors, 'spec.publishNotReadyAddresses', spec['publishNotReadyAddresses'])
  return {
    spec,
    annotations: textMapAt([], '', recordAt([], '', object['metadata'])['annotations']),
    type: text('type'),
    clusterIP: text('clusterIP'),
    clusterIPs: texts('clusterIPs'),
    ipFamilies: texts('ipFamilies'),
    ipFamilyPolicy: optional('ipFamilyPolicy'),
    ports: listAt(errors, 'spec.ports', spec['ports']).map((port, i) => readPort(errors, `spec.ports[${i}]`, port)),
    externalIPs: texts('externalIPs'),
    externalName: text('externalName'),
    sessionAffinity: text('sessionAffinity'),
    externalTrafficPolicy: text('externalTrafficPolicy'),
    internalTrafficPolicy: optional('internalTrafficPolicy'),
    healthCheckNodePort: integerAt(errors, 'spec.healthCheckNodePort', spec['healthCheckNodePort']),
    loadBalancerClass: optional('loadBalancerClass'),
    sourceRanges: texts('loadBalancerSourceRanges'),
    allocateNodePorts: booleanAt(errors, 'spec.allocateLoadBalancerNodePorts', spec['allocateLoadBalancerNodePorts']),
    trafficDistribution: optional('trafficDistribution'),
  }
}

export function isHeadless(service: ServiceView): boolean {
  return service.clusterIPs.length === 1 && service.clusterIPs[0] === 'None'
}

/** Types with node ports, and any Service with external addresses. */
export function isExternallyAccessible(service: ServiceView): boolean {
  return (
    service.type === 'LoadBalancer' ||
    service.type === 'NodePort' ||
    (service.type === 'ClusterIP' && service.externalIPs.length > 0)
  )
}

export function needsHealthCheck(service: ServiceView): boolean {
  return service.type === 'LoadBalancer' && service.externalTrafficPolicy === 'Local'
}

function readPort(errors: FieldError[], field: string, value: unknown): ServicePortView {
  const fields = recordAt(errors, field, value)
  const target = fields['targetPort']
  const isTarget = typeof target === 'string' || (typeof target === 'number' && Number.isInteger(target))
  if (given(target) && !isTarget) errors.push(typeInvalid(`${field}.targetPort`, target, 'an integer or a string'))
  return {
    fields,
    name: textAt(errors, `${field}.name`, fields['name']),
    protocol: textAt(errors, `${field}.protocol`, fields['protocol']),
    port: integerAt(errors, `${field}.port`, fields['port']),
    targetPort: isTarget ? target : 0,
    nodePort: integerAt(errors, `${field}.nodePort`, fields['nodePort']),
  }
}
