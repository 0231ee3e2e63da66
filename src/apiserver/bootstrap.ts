/**
 * Objects a cluster has from its first moment (api-server.md 11): the four namespaces, the ServiceCIDR of the flags, and the Service `kubernetes` with
 * its endpoints, through which pods find this server. Endpoints follow the advertised address on every start.
 */
import type { EndpointSlice, Endpoints, KubeObject, Namespace, ResourceInfo, Service, ServiceCIDR } from '#api'
import { apiVersionOf, ENDPOINTS, ENDPOINTSLICES, LABEL_SERVICE_NAME, NAMESPACES, SERVICECIDRS, SERVICES } from '#api'
import type { Family } from '#lib'
import { cidrContains, FAMILIES, familyOf, numberToAddress, parseCidr } from '#lib'
import type { Registry } from './registry/index.ts'
import { createNow, headOf, updateNow } from './registry/index.ts'

export type Advertised = { readonly addresses: readonly string[]; readonly port: number }

const NAMESPACE_NAMES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const LOOPBACK_USER = { name: 'system:apiserver', groups: ['system:masters'] }
const SERVICE_PORT = 443
const LOOPBACK = ['127.0.0.0/8', '::1/128'].map(parseCidr).filter((range) => range !== undefined)

/** Creates what is missing. Resolves when it is on disk. */
export async function bootstrap(
  registry: Registry,
  cluster: { readonly serviceCIDRs: readonly string[]; readonly advertise: Advertised },
): Promise<void> {
  for (const name of NAMESPACE_NAMES) await ensure(registry, NAMESPACES, namespaceObject(name))
  const range = rangeObject(cluster.serviceCIDRs)
  if (range !== undefined) await ensure(registry, SERVICECIDRS, range)
  const { port } = cluster.advertise
  // A loopback address leads pods to themselves; endpoints may not hold one.
  const reachable = cluster.advertise.addresses.filter((one) => !LOOPBACK.some((range) => cidrContains(range, one)))
  const families = FAMILIES.filter((family) => reachable.some((one) => familyOf(one) === family))
  const service = serviceObject(cluster.serviceCIDRs, families, port)
  if (service !== undefined) await ensure(registry, SERVICES, service)
  const primary = familyOf(reachable[0] ?? '')
  for (const family of families) {
    const addresses = reachable.filter((one) => familyOf(one) === family)
    if (family === primary) await follow(registry, ENDPOINTS, endpointsObject(addresses, port))
    const name = family === primary ? 'kubernetes' : `kubernetes-${family.toLowerCase()}`
    await follow(registry, ENDPOINTSLICES, sliceObject(name, { family, addresses }, port))
  }
}

/** The addresses of the Service `kubernetes`: the first of each range. */
export function firstServiceAddresses(serviceCIDRs: readonly string[]): readonly string[] {
  return serviceCIDRs.flatMap((text) => {
    const cidr = parseCidr(text)
    return cidr === undefined ? [] : [numberToAddress(cidr.first + 1n, cidr.family)]
  })
}

async function ensure(registry: Registry, info: ResourceInfo, object: KubeObject): Promise<void> {
  const kind = registry.kinds.find((one) => one.info.resource === info.resource && one.info.group === info.group)
  if (kind === undefined) return
  const { namespace, name } = object.metadata
  if (headOf(registry, { kind, namespace, name }) !== undefined) return
  const options = { user: LOOPBACK_USER, dryRun: false, warn: () => undefined, manager: 'kube-apiserver' }
  await createNow(registry, { kind, namespace, object, options }).committed
}

/** Creates the object, or makes everything but its metadata what is given. */
async function follow(registry: Registry, info: ResourceInfo, object: KubeObject): Promise<void> {
  await ensure(registry, info, object)
  const kind = registry.kinds.find((one) => one.info.resource === info.resource && one.info.group === info.group)
  if (kind === undefined) return
  const { namespace, name } = object.metadata
  await updateNow(registry, {
    kind,
    namespace,
    name,
    options: { user: LOOPBACK_USER, dryRun: false, warn: () => undefined, manager: 'kube-apiserver' },
    mayCreate: false,
    change: (old) => ({ ...object, metadata: old?.metadata ?? object.metadata }),
  }).committed
}

function namespaceObject(name: string): Namespace {
  return { apiVersion: apiVersionOf(NAMESPACES), kind: 'Namespace', metadata: { name } }
}

/** The ranges of the flags as an object; absent if they are more than one object can hold. */
function rangeObject(serviceCIDRs: readonly string[]): ServiceCIDR | undefined {
  const families = new Set(serviceCIDRs.map((cidr) => parseCidr(cidr)?.family))
  if (serviceCIDRs.length === 0 || families.size !== serviceCIDRs.length) return undefined
  return {
    apiVersion: apiVersionOf(SERVICECIDRS),
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: serviceCIDRs },
  }
}

function serviceObject(serviceCIDRs: readonly string[], served: readonly Family[], port: number): Service | undefined {
  // A family nobody answers in would be an address that leads nowhere; the primary one is always given.
  const clusterIPs = firstServiceAddresses(serviceCIDRs).filter(
    (ip, i) => i === 0 || served.includes(familyOf(ip) as Family),
  )
  const [clusterIP] = clusterIPs
  if (clusterIP === undefined) return undefined
  const ipFamilies = clusterIPs.map((ip) => familyOf(ip) as Family)
  return {
    apiVersion: apiVersionOf(SERVICES),
    kind: 'Service',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs,
      ipFamilies,
      ipFamilyPolicy: clusterIPs.length > 1 ? 'RequireDualStack' : 'SingleStack',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: SERVICE_PORT, targetPort: port }],
    },
  }
}

function endpointsObject(addresses: readonly string[], port: number): Endpoints {
  return {
    apiVersion: apiVersionOf(ENDPOINTS),
    kind: 'Endpoints',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  }
}

function sliceObject(
  name: string,
  of: { readonly family: Family; readonly addresses: readonly string[] },
  port: number,
): EndpointSlice {
  return {
    apiVersion: apiVersionOf(ENDPOINTSLICES),
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { [LABEL_SERVICE_NAME]: 'kubernetes' } },
    addressType: of.family,
    endpoints: of.addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }
}
