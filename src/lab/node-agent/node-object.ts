/** The Node as this agent reports it. Pure. */
import type { Condition, Node } from '#api'

import type { NodeFacts } from './node-context.ts'

export type HostFacts = {
  readonly cpus: number
  readonly memoryBytes: number
  readonly kernelVersion: string
  readonly osImage: string
  readonly architecture: string
  readonly machineId: string
  readonly bootId: string
}

export const KUBELET_PORT = 10_250
/** What the VERSION column shows; the baseline of the whole project. */
const KUBELET_VERSION = 'v1.36.2'
const POD_LIMIT = '110'

type Heartbeat = { readonly now: string; readonly previous: Node['status'] }

export function nodeObject(node: NodeFacts): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels: nodeLabels(node) },
    spec: podCidrSpec(node),
  }
}

export function nodeLabels(node: NodeFacts): Readonly<Record<string, string>> {
  return { 'kubernetes.io/hostname': node.name, 'kubernetes.io/os': 'linux', ...node.labels }
}

export function podCidrSpec(node: NodeFacts): NonNullable<Node['spec']> {
  const [podCIDR] = node.podCidrs
  return podCIDR === undefined ? {} : { podCIDR, podCIDRs: node.podCidrs }
}

/** Conditions of other owners (NetworkUnavailable) stay. */
export function nodeStatus(node: NodeFacts, host: HostFacts, beat: Heartbeat): NonNullable<Node['status']> {
  const resources = { cpu: String(host.cpus), memory: `${Math.floor(host.memoryBytes / 1024)}Ki`, pods: POD_LIMIT }
  const own = OWN_CONDITIONS.map((condition) => heartbeat(condition, beat))
  const foreign = (beat.previous?.conditions ?? []).filter(({ type }) => !own.some((one) => one.type === type))
  return {
    addresses: [
      ...node.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: node.name },
    ],
    capacity: resources,
    allocatable: resources,
    conditions: [...foreign, ...own],
    daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
    nodeInfo: {
      architecture: host.architecture,
      bootID: host.bootId,
      containerRuntimeVersion: 'signalbox://namespaces',
      kernelVersion: host.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: KUBELET_VERSION,
      machineID: host.machineId,
      operatingSystem: 'linux',
      osImage: host.osImage,
      systemUUID: host.machineId,
    },
  }
}

const OWN_CONDITIONS: readonly Condition[] = [
  { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory' },
  { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure' },
  { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID' },
  { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'the node agent runs' },
]

/** kubelet reports an unchanged status every five minutes; the Lease is what says that it lives (KEP-589). */
const REPORT_EVERY = 300_000

function heartbeat(condition: Condition, { now, previous }: Heartbeat): Condition {
  const old = (previous?.conditions ?? []).find((one) => one.type === condition.type)
  const same = old !== undefined && old.status === condition.status && old.reason === condition.reason
  const beatAt = old?.lastHeartbeatTime
  const recent = beatAt !== undefined && Date.parse(now) - Date.parse(beatAt) < REPORT_EVERY
  return {
    ...condition,
    lastHeartbeatTime: same && recent ? beatAt : now,
    lastTransitionTime: old?.status === condition.status ? (old.lastTransitionTime ?? now) : now,
  }
}
