/** Clusters of any size, all services alike: one TCP port, and endpoints on two nodes in turns. */
import type { Endpoint, EndpointSlice, Node, Service } from '#api'

export const NODE_NAME = 'node-1'
export const CLUSTER_CIDRS = '10.244.0.0/16,fd00:10:244::/56'
export const SERVICE_CIDRS = '10.96.0.0/12,fd00:10:96::/112'

export const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: NODE_NAME },
  spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '172.18.0.11' },
      { type: 'InternalIP', address: 'fd00:172:18::11' },
    ],
  },
}

export function clusterIPOf(which: number): string {
  const value = which + 10
  return `10.${96 + (value >> 16)}.${(value >> 8) & 255}.${value & 255}`
}

export function serviceOf(which: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'bench', name: `service-${which}`, uid: `service-${which}` },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIPOf(which),
      clusterIPs: [clusterIPOf(which)],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      selector: { app: `service-${which}` },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
    },
  }
}

/** `endpoints` of them, counted from `first`: another `first` is another list. */
export function sliceOf(which: number, endpoints: number, first = 0): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'bench',
      name: `service-${which}-1`,
      uid: `slice-${which}`,
      labels: { 'kubernetes.io/service-name': `service-${which}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: Array.from({ length: endpoints }, (_, index) =>
      endpointOf((which * endpoints + index + first) % 60_000),
    ),
  }
}

function endpointOf(number: number): Endpoint {
  return {
    addresses: [`10.244.${(number >> 8) & 255}.${number & 255}`],
    nodeName: number % 2 === 0 ? NODE_NAME : 'node-2',
    conditions: { ready: true, serving: true, terminating: false },
  }
}
