/** Binds pods that have no node. One at a time: each decision must see the one before. */
import type { KubeObject, Node, ObjectKey, Pod } from '#api'
import { PODS } from '#api'
import { hasCode } from '#lib'
import { createControllerQueue, unlessGone } from '../shared/controller-queue.ts'
import { patchStatus } from '../shared/patch-object.ts'
import { isFinished } from '../shared/pod-facts.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { chooseNode } from './choose-node.ts'
import { createPodCounts } from './pod-counts.ts'
import { readyStatus } from '../node/judge-node.ts'

type Binding = KubeObject & {
  readonly target: { readonly apiVersion: string; readonly kind: string; readonly name: string }
}
const NAME = 'default-scheduler'

export function createScheduler(context: ControllerContext): void {
  const { client, clock, logger } = context
  const { pods, nodes } = context.informers
  const counts = createPodCounts(pods)
  const waiting = new Set<ObjectKey>()

  const sync = async (key: ObjectKey): Promise<void> => {
    const pod = pods.get(key)
    if (pod === undefined || !isOurs(pod)) {
      waiting.delete(key)
      return
    }
    const choice = chooseNode(pod, nodes.items.values(), (node) => counts.on(node))
    if ('refused' in choice) {
      waiting.add(key)
      await reportRefusal(pod, choice.refused)
      return
    }
    waiting.delete(key)
    const { namespace = '', name } = pod.metadata
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name },
      target: { apiVersion: 'v1', kind: 'Node', name: choice.node },
    }
    try {
      await client.create(PODS, binding, { subresource: 'binding' })
    } catch (error) {
      // Gone, or bound by somebody else: the pod's next event says which.
      if (!hasCode(error, 'SBX_API_NOT_FOUND') && !hasCode(error, 'SBX_API_CONFLICT')) throw error
      return
    }
    counts.assume(key, choice.node)
    logger.info('pod assigned', { pod: key, node: choice.node })
  }

  const reportRefusal = async (pod: Pod, message: string): Promise<void> => {
    const conditions = pod.status?.conditions ?? []
    const old = conditions.find(({ type }) => type === 'PodScheduled')
    if (old?.status === 'False' && old.message === message) return
    const lastTransitionTime = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
    const condition = {
      type: 'PodScheduled',
      status: 'False' as const,
      reason: 'Unschedulable',
      message,
      lastTransitionTime: old?.status === 'False' ? (old.lastTransitionTime ?? lastTransitionTime) : lastTransitionTime,
    }
    const others = conditions.filter(({ type }) => type !== 'PodScheduled')
    await unlessGone(patchStatus(client, PODS, { seen: pod, status: { conditions: [...others, condition] } }))
  }
  const queue = createControllerQueue(context, { controller: 'scheduler', sync, parallel: 1 })

  pods.onChange(({ key, before, after }) => {
    if (after === undefined) waiting.delete(key)
    else if (isOurs(after) && (before === undefined || !waiting.has(key))) queue.add(key)
  })
  nodes.onChange(({ before, after }) => {
    if (after === undefined || (before !== undefined && placement(before) === placement(after))) return
    for (const key of waiting) queue.add(key)
  })
}

function isOurs(pod: Pod): boolean {
  const { nodeName, schedulerName = NAME } = (pod.spec ?? {}) as Pod['spec'] & { readonly schedulerName?: string }
  const { deletionTimestamp } = pod.metadata
  return (nodeName ?? '') === '' && schedulerName === NAME && deletionTimestamp === undefined && !isFinished(pod)
}

/** What of a node decides whether a pod may go there. */
function placement(node: Node): string {
  return JSON.stringify([node.metadata.labels, node.spec?.unschedulable, node.spec?.taints, readyStatus(node)])
}
