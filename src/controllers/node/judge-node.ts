/**
 * What the control plane says of a node (pkg/controller/nodelifecycle): Ready is Unknown when the node has been silent for
 * too long, and its taints follow Ready. Pure.
 */
import type { Condition, Node, Pod, Taint } from '#api'

export const NOT_READY_TAINT = 'node.kubernetes.io/not-ready'
export const UNREACHABLE_TAINT = 'node.kubernetes.io/unreachable'

/** The node's own word, or Unknown after silence; the same object if that is what it says already. */
export function withHealth(node: Node, health: { readonly silent: boolean; readonly now: string }): Node {
  const conditions = node.status?.conditions ?? []
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (!health.silent || ready?.status === 'Unknown') return node
  const unknown: Condition = {
    ...(ready?.lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime: ready.lastHeartbeatTime }),
    type: 'Ready',
    status: 'Unknown',
    lastTransitionTime: health.now,
    reason: 'NodeStatusUnknown',
    message: 'The node stopped reporting its status.',
  }
  const others = conditions.filter(({ type }) => type !== 'Ready')
  return { ...node, status: { ...node.status, conditions: [...others, unknown] } }
}

/** The same object if its taints already say what its Ready condition says. */
export function withTaints(node: Node): Node {
  const status = readyStatus(node)
  const wanted = status === 'True' ? undefined : status === 'Unknown' ? UNREACHABLE_TAINT : NOT_READY_TAINT
  const taints = node.spec?.taints ?? []
  const isOurs = ({ key, effect }: Taint): boolean =>
    effect === 'NoSchedule' && (key === NOT_READY_TAINT || key === UNREACHABLE_TAINT)
  const ours = taints.filter(isOurs).map(({ key }) => key)
  if (wanted === undefined ? ours.length === 0 : ours.length === 1 && ours[0] === wanted) return node
  const next = taints.filter((taint) => !isOurs(taint))
  if (wanted !== undefined) next.push({ key: wanted, effect: 'NoSchedule' })
  const { taints: _old, ...spec } = node.spec ?? {}
  return { ...node, spec: next.length === 0 ? spec : { ...spec, taints: next } }
}

/** A node that never said anything is not ready. */
export function readyStatus(node: Node): 'True' | 'False' | 'Unknown' {
  return (node.status?.conditions ?? []).find(({ type }) => type === 'Ready')?.status ?? 'False'
}

/** A pod of a silent node is not to be sent traffic; undefined if it is marked so already or never was ready. */
export function markedNotReady(pod: Pod, now: string): Pod | undefined {
  const conditions = pod.status?.conditions ?? []
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return undefined
  const lost: Condition = { ...ready, status: 'False', reason: 'NodeNotReady', lastTransitionTime: now }
  return {
    ...pod,
    status: { ...pod.status, conditions: conditions.map((condition) => (condition === ready ? lost : condition)) },
  }
}
