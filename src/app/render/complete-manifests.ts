/**
 * A manifest says what is wanted, not what a cluster has made of it: no cluster IP, no pod addresses, no EndpointSlices.
 * To show rules for it all the same, the missing facts are assumed the way an empty box would fill them in, and every
 * assumption is told.
 *
 * Objects that carry the facts (saved from a cluster) are left as they are. Pure.
 */
import type { EndpointSlice, KubeObject, Node, Pod, Service } from '#api'
import { LABEL_SERVICE_NAME, objectKey } from '#api'
import { addressToNumber, familyOf, numberToAddress } from '#lib'

export type Completed = {
  readonly services: readonly Service[]
  readonly slices: readonly EndpointSlice[]
  readonly nodes: readonly Node[]
  /** One sentence each. */
  readonly assumed: readonly string[]
}

const FIRST_CLUSTER_IP = '10.96.1.1'
const FIRST_NODE_PORT = 30_086
const FIRST_POD_IP = '10.244.1.2'
const NODE_IP = '172.18.0.11'

export function completeManifests(objects: readonly KubeObject[], nodeName: string): Completed {
  const of = <T extends KubeObject>(kind: string): T[] => objects.filter((object) => object.kind === kind) as T[]
  const assumed: string[] = []
  const nodes = of<Node>('Node')
  if (!nodes.some((node) => node.metadata.name === nodeName)) {
    nodes.push(assumeNode(nodeName))
    assumed.push(`Node ${nodeName} has the address ${NODE_IP}`)
  }
  const services = of<Service>('Service').map(inDefaultNamespace)
  const addressed = assumeAddresses(services, assumed)
  const slices = of<EndpointSlice>('EndpointSlice').map(inDefaultNamespace)
  const pods = assumePodAddresses(of<Pod>('Pod').map(inDefaultNamespace), nodeName, assumed)
  const owned = new Set(
    slices.map((slice) => `${slice.metadata.namespace}/${slice.metadata.labels?.[LABEL_SERVICE_NAME]}`),
  )
  for (const service of addressed) {
    if (owned.has(objectKey(service)) || service.spec.selector === undefined) continue
    const slice = assumeSlice(service, pods)
    slices.push(slice)
    assumed.push(
      `Service ${objectKey(service)} has the ${slice.endpoints?.length ?? 0} endpoints that its selector finds in these files`,
    )
  }
  return { services: addressed, slices, nodes, assumed }
}

function inDefaultNamespace<T extends KubeObject>(object: T): T {
  if (object.metadata.namespace !== undefined) return object
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } }
}

function assumeNode(name: string): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] },
  }
}

function assumeAddresses(services: readonly Service[], assumed: string[]): Service[] {
  const taken = new Set(services.flatMap(({ spec }) => spec.clusterIPs ?? [spec.clusterIP ?? '']))
  const takenPorts = new Set(services.flatMap(({ spec }) => (spec.ports ?? []).map(({ nodePort }) => nodePort)))
  return services.map((service) => {
    const { spec } = service
    if (spec.type === 'ExternalName') return service
    let completed = spec
    if (spec.clusterIP === undefined || spec.clusterIP === '') {
      const clusterIP = nextFree(FIRST_CLUSTER_IP, taken)
      completed = { ...completed, clusterIP, clusterIPs: [clusterIP], ipFamilies: ['IPv4'] }
      assumed.push(`Service ${objectKey(service)} has the cluster IP ${clusterIP}`)
    }
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
      const ports = (spec.ports ?? []).map((port) => {
        if (port.nodePort !== undefined) return port
        let nodePort = FIRST_NODE_PORT
        while (takenPorts.has(nodePort)) nodePort += 1
        takenPorts.add(nodePort)
        assumed.push(`Service ${objectKey(service)} port ${port.name ?? port.port} has the node port ${nodePort}`)
        return { ...port, nodePort }
      })
      completed = { ...completed, ports }
    }
    return completed === spec ? service : { ...service, spec: completed }
  })
}

function assumePodAddresses(pods: readonly Pod[], nodeName: string, assumed: string[]): Pod[] {
  const taken = new Set(pods.map((pod) => pod.status?.podIP ?? ''))
  return pods.map((pod) => {
    if (pod.status?.podIP !== undefined) return pod
    const podIP = nextFree(FIRST_POD_IP, taken)
    assumed.push(`Pod ${objectKey(pod)} is ready and has the address ${podIP}`)
    return {
      ...pod,
      spec: { ...pod.spec, nodeName: pod.spec.nodeName ?? nodeName },
      status: { ...pod.status, podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] },
    }
  })
}

/** Endpoints of one family, as the EndpointSlice controller would find them. */
function assumeSlice(service: Service, pods: readonly Pod[]): EndpointSlice {
  const address = service.spec.clusterIPs?.[0] ?? service.spec.clusterIP ?? ''
  const family = familyOf(address) ?? 'IPv4'
  const chosen = pods.filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      Object.entries(service.spec.selector ?? {}).every(([key, value]) => pod.metadata.labels?.[key] === value),
  )
  const endpoints = chosen.flatMap((pod) => {
    const ips = pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP ?? '']
    const ip = ips.find((one) => familyOf(one) === family)
    const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
    const targetRef = { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace ?? 'default' }
    return ip === undefined
      ? []
      : [
          {
            addresses: [ip],
            conditions: { ready, serving: ready, terminating: false },
            nodeName: pod.spec.nodeName ?? '',
            targetRef,
          },
        ]
  })
  const ports = (service.spec.ports ?? []).flatMap(({ name, protocol, port, targetPort }) => {
    const number = typeof targetPort === 'string' ? namedPort(chosen, targetPort) : (targetPort ?? port)
    return number === undefined ? [] : [{ name: name ?? '', protocol: protocol ?? 'TCP', port: number }]
  })
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service.metadata.name}-assumed`,
      namespace: service.metadata.namespace ?? 'default',
      labels: { [LABEL_SERVICE_NAME]: service.metadata.name },
    },
    addressType: family,
    endpoints,
    ports,
  }
}

function namedPort(pods: readonly Pod[], name: string): number | undefined {
  for (const pod of pods) {
    for (const container of pod.spec.containers) {
      const port = container.ports?.find((one) => one.name === name)
      if (port !== undefined) return port.containerPort
    }
  }
  return undefined
}

function nextFree(first: string, taken: Set<string>): string {
  let value = addressToNumber(first) ?? 0n
  while (taken.has(numberToAddress(value, 'IPv4'))) value += 1n
  const address = numberToAddress(value, 'IPv4')
  taken.add(address)
  return address
}
