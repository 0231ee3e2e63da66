/** Small kinds for tests of the engine: each shows one of the behaviours that a KindDefinition can ask for. */
import type { KubeObject, Pod, ResourceInfo, Service } from '#api'
import { CONFIGMAPS, invalid, LEASES, NAMESPACES, PODS, required, SERVICES } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'

export function sampleKind(info: ResourceInfo, rest: Partial<KindDefinition> = {}): KindDefinition {
  return {
    info,
    schema: `io.k8s.api.core.v1.${info.kind}`,
    message: `k8s.io.api.core.v1.${info.kind}`,
    nameRule: 'subdomain',
    hasStatus: false,
    hasGeneration: false,
    createOnUpdate: false,
    unconditionalUpdate: true,
    deleteReturnsObject: false,
    fields: () => ({}),
    defaults: (object) => object,
    prepareForCreate: (object) => object,
    prepareForUpdate: (object) => object,
    validate: (object) =>
      object.metadata.name === '' ? [required('metadata.name', 'name or generateName is required')] : [],
    validateUpdate: () => [],
    table: {
      columns: [{ name: 'Name', type: 'string', format: 'name', description: 'the name', priority: 0 }],
      cells: (object) => [object.metadata.name],
    },
    ...rest,
  }
}

/** ConfigMap plain; Service allocates, has status and is returned when deleted; Pod waits for its node; Lease needs a revision. */
export function sampleKinds(): readonly KindDefinition[] {
  const taken = new Set<string>()
  const ipOf = (object: KubeObject): string => (object as Service).spec?.clusterIP ?? ''
  return [
    sampleKind(NAMESPACES, {
      hasStatus: true,
      deleteReturnsObject: true,
      prepareForCreate: (object) => ({ ...object, spec: { finalizers: ['kubernetes'] } }) as KubeObject,
      prepareForUpdate: (object, old) => ({ ...object, spec: (old as { spec?: unknown }).spec }) as KubeObject,
      beforeDelete: (object, _options, context) => {
        if (object.metadata.deletionTimestamp !== undefined) return { deferred: object }
        return { deferred: { ...object, metadata: { ...object.metadata, deletionTimestamp: context.now } } }
      },
    }),
    sampleKind(CONFIGMAPS),
    sampleKind(SERVICES, {
      hasStatus: true,
      hasGeneration: true,
      createOnUpdate: true,
      deleteReturnsObject: true,
      fields: (object) => ({ 'spec.clusterIP': ipOf(object), 'spec.type': (object as Service).spec?.type ?? '' }),
      defaults: (object) => ({ ...object, spec: { type: 'ClusterIP', ...(object as Service).spec } }) as KubeObject,
      validate: (object) =>
        ((object as Service).spec.ports ?? []).flatMap((port, i) =>
          port.port > 0 ? [] : [invalid(`spec.ports[${i}].port`, port.port, 'must be between 1 and 65535, inclusive')],
        ),
      allocate: (object, old) => {
        const ip = ipOf(object) || (old === undefined ? `10.0.0.${taken.size + 1}` : ipOf(old))
        if (old === undefined && taken.has(ip))
          return { errors: [invalid('spec.clusterIPs', [ip], 'already allocated')] }
        taken.add(ip)
        const next = { ...object, spec: { ...(object as Service).spec, clusterIP: ip } } as KubeObject
        return { object: next, rollback: () => void taken.delete(ip) }
      },
      released: (object) => void taken.delete(ipOf(object)),
      restored: (object) => void taken.add(ipOf(object)),
    }),
    sampleKind(PODS, {
      hasStatus: true,
      deleteReturnsObject: true,
      fields: (object) => ({ 'spec.nodeName': (object as Pod).spec?.nodeName ?? '' }),
      beforeDelete: (object, options, context) => {
        const { nodeName = '' } = (object as Pod).spec
        if (nodeName === '' || options.gracePeriodSeconds === 0) return undefined
        if (object.metadata.deletionTimestamp !== undefined) return { deferred: object }
        const mark = { deletionTimestamp: context.now, deletionGracePeriodSeconds: options.gracePeriodSeconds ?? 30 }
        return { deferred: { ...object, metadata: { ...object.metadata, ...mark } } }
      },
    }),
    sampleKind(LEASES, { createOnUpdate: true, unconditionalUpdate: false }),
  ]
}
