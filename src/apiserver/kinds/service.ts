/** Services: the kind everything else here is about. Allocation is in #allocators, transitions beside this file. */
import type { FieldError, Service, ServicePort } from '#api'
import { defaultService, SERVICES, serviceWarnings, validateService, validateServiceUpdate } from '#api'
import type { ServiceAllocator } from '#allocators'
import {
  AGE_COLUMN,
  ageSince,
  joinedOrNone,
  labelText,
  NAME_COLUMN,
  NONE,
  PENDING,
  textColumn,
  wideColumn,
} from '../tables/index.ts'
import { defineKind } from './define-kind.ts'
import type { Admission, KindDefinition, WriteContext } from './kind.ts'
import { givenUpAddresses, takenAddresses } from './service-addresses.ts'
import { alignClusterIPs, dropUnused, keepAllocated } from './service-transitions.ts'

/** `onCollision`: two stored Services claim one address or port; told at start, since nothing else can be done then. */
export function serviceKind(
  allocator: ServiceAllocator,
  onCollision: (collision: { service: string; what: string; problem: string }) => void,
): KindDefinition {
  return defineKind<Service>({
    info: SERVICES,
    schema: 'io.k8s.api.core.v1.Service',
    message: 'k8s.io.api.core.v1.Service',
    nameRule: 'label',
    hasStatus: true,
    createOnUpdate: true,
    deleteReturnsObject: true,
    fields: (service) => ({
      'spec.clusterIP': service.spec?.clusterIP ?? '',
      'spec.type': service.spec?.type ?? '',
    }),
    defaults: defaultService,
    prepareForCreate: (service) => ({
      ...service,
      spec: alignClusterIPs(service.spec, undefined),
      status: { loadBalancer: {} },
    }),
    prepareForUpdate: (service, old) =>
      dropUnused({ ...service, spec: keepAllocated(alignClusterIPs(service.spec, old.spec), old.spec) }, old),
    validate: (service, context) => warned(service, validateService(service), context),
    validateUpdate: (service, old, context) => warned(service, validateServiceUpdate(service, old), context),
    allocate: (service, old, context) => toAdmission(allocator.allocate(service, old), old, context),
    released: (service) => allocator.release(service),
    removedWith: (service, store) => givenUpAddresses(service, undefined, store),
    restored: (service) => allocator.restore(service).forEach(onCollision),
    table: {
      columns: [
        NAME_COLUMN,
        textColumn('Type', 'How far the Service can be reached: inside the cluster, on every node, from outside'),
        textColumn('Cluster-IP', 'Virtual address inside the cluster; None for headless Services'),
        textColumn('External-IP', 'Addresses from which it is reached from outside, or the name it stands for'),
        textColumn('Port(s)', 'Ports as port:nodePort/protocol'),
        AGE_COLUMN,
        wideColumn('Selector', 'Labels of the pods behind it'),
      ],
      cells: ({ metadata, spec, status }, now) => [
        metadata.name,
        spec?.type ?? '',
        spec?.clusterIPs?.[0] ?? NONE,
        externalText({ metadata, spec, ...(status !== undefined && { status }) } as Service),
        portsText(spec?.ports ?? []),
        ageSince(metadata.creationTimestamp, now),
        labelText(spec?.selector),
      ],
    },
  })
}

function warned(service: Service, errors: readonly FieldError[], context: WriteContext): readonly FieldError[] {
  if (errors.length === 0) for (const text of serviceWarnings(service)) context.warn(text)
  return errors
}

function toAdmission(
  allocation: ReturnType<ServiceAllocator['allocate']>,
  old: Service | undefined,
  context: WriteContext,
): Admission<Service> {
  if ('errors' in allocation) return allocation
  if ('failure' in allocation) {
    const message = `Internal error occurred: ${allocation.failure}`
    return { refusal: { code: 500, reason: 'InternalError', message } }
  }
  const { service, rollback, commit } = allocation
  const also = [
    ...takenAddresses(service, context),
    ...(old === undefined ? [] : givenUpAddresses(old, service, context.store)),
  ]
  return { object: service, rollback, commit, also }
}

function externalText(service: Service): string {
  const { spec, status } = service
  const external = spec?.externalIPs ?? []
  if (spec?.type === 'ExternalName') return spec.externalName ?? ''
  if (spec?.type !== 'LoadBalancer') return joinedOrNone(external)
  const balancers = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '')
  const all = [...balancers.filter((text) => text !== ''), ...external]
  return all.length === 0 ? PENDING : all.join(',')
}

function portsText(ports: readonly ServicePort[]): string {
  return joinedOrNone(
    ports.map(({ port, nodePort, protocol }) =>
      nodePort === undefined || nodePort === 0 ? `${port}/${protocol}` : `${port}:${nodePort}/${protocol}`,
    ),
  )
}
