/**
 * Defaults of a Service (core/v1/defaults.go SetDefaults_Service; api-server.md 12.1). Addresses, families and
 * node ports are not defaults: allocation fills them. Idempotent, and blind to values of a wrong type.
 */
import type { LoadBalancerIngress, Service, ServicePort, ServiceSpec } from '../service.ts'
import { isRecord } from '../validation/read-value.ts'

const AFFINITY_SECONDS = 10_800

export function defaultService(service: Service): Service {
  const spec = isRecord(service.spec) ? service.spec : {}
  if (service.spec !== undefined && service.spec !== null && !isRecord(service.spec)) return service
  const type = spec.type ?? 'ClusterIP'
  const {
    sessionAffinityConfig: config,
    internalTrafficPolicy: internal,
    externalTrafficPolicy: external,
    allocateLoadBalancerNodePorts: allocate,
    ...rest
  } = spec
  const affinity = spec.sessionAffinity ?? 'None'
  const reachable =
    type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
  const externalPolicy = external ?? (reachable ? 'Cluster' : undefined)
  const internalPolicy = type === 'ExternalName' ? undefined : (internal ?? 'Cluster')
  const allocates = allocate ?? (type === 'LoadBalancer' ? true : undefined)
  const next: ServiceSpec = {
    ...rest,
    type,
    sessionAffinity: affinity,
    ...(affinity === 'ClientIP' && { sessionAffinityConfig: affinityConfig(config) }),
    ...(affinity !== 'ClientIP' && affinity !== 'None' && config !== undefined && { sessionAffinityConfig: config }),
    ...(externalPolicy !== undefined && { externalTrafficPolicy: externalPolicy }),
    ...(internalPolicy !== undefined && { internalTrafficPolicy: internalPolicy }),
    ...(allocates !== undefined && { allocateLoadBalancerNodePorts: allocates }),
    ...(Array.isArray(rest.ports) && { ports: (rest.ports as readonly ServicePort[]).map(defaultPort) }),
  }
  return withIngressModes({ ...service, spec: next })
}

type AffinityConfig = NonNullable<ServiceSpec['sessionAffinityConfig']>

function affinityConfig(config: AffinityConfig | undefined): AffinityConfig {
  return config?.clientIP?.timeoutSeconds === undefined ? { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } : config
}

function defaultPort(port: ServicePort): ServicePort {
  if (!isRecord(port)) return port
  const target = port.targetPort
  return {
    ...port,
    protocol: port.protocol ?? 'TCP',
    targetPort: target === undefined || target === 0 || target === '' ? port.port : target,
  }
}

function withIngressModes(service: Service): Service {
  const ingress: unknown = service.status?.loadBalancer?.ingress
  if (service.spec.type !== 'LoadBalancer' || !Array.isArray(ingress)) return service
  const filled = (ingress as readonly LoadBalancerIngress[]).map((entry): LoadBalancerIngress =>
    isRecord(entry) && entry.ip !== undefined && entry.ipMode === undefined ? { ...entry, ipMode: 'VIP' } : entry,
  )
  return {
    ...service,
    status: { ...service.status, loadBalancer: { ...service.status?.loadBalancer, ingress: filled } },
  }
}
