/**
 * Notices nodes that have gone silent. A node lives as long as its Lease or its status changes; how old the times in them
 * are does not matter, only when we saw them change, so a wrong clock on a node is no outage (nodelifecycle, KEP-589).
 */
import type { Node, ObjectKey } from '#api'
import { NODES, PODS } from '#api'
import { createControllerQueue, unlessGone } from '../shared/controller-queue.ts'
import { patchSpec, patchStatus } from '../shared/patch-object.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { markedNotReady, readyStatus, withHealth, withTaints } from './judge-node.ts'

/** kube-controller-manager's --node-monitor-grace-period of old: four missed beats of ten seconds. */
const GRACE = 40_000

export function createNodeController(context: ControllerContext): void {
  const { client, clock, logger } = context
  const { nodes, leases, pods } = context.informers
  const lastBeat = new Map<ObjectKey, number>()
  const now = (): string => new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')

  const sync = async (key: ObjectKey): Promise<void> => {
    const node = nodes.get(key)
    if (node === undefined) {
      lastBeat.delete(key)
      return
    }
    const since = clock.monotonic() - (lastBeat.get(key) ?? clock.monotonic())
    const silent = since >= GRACE
    const judged = withHealth(node, { silent, now: now() })
    let current = node
    if (judged !== node) {
      logger.warn('node went silent', { node: key, seconds: Math.round(since / 1000) })
      current = await patchStatus(client, NODES, { seen: node, status: { conditions: judged.status?.conditions } })
    }
    const tainted = withTaints(current)
    if (tainted !== current) {
      await patchSpec(client, NODES, { seen: current, spec: { taints: tainted.spec?.taints ?? null } })
    }
    if (readyStatus(current) === 'Unknown') await markPods(key)
    if (!silent) queue.addAfter(key, GRACE - since)
  }

  const markPods = async (node: ObjectKey): Promise<void> => {
    for (const pod of pods.items.values()) {
      if (pod.spec?.nodeName !== node) continue
      const marked = markedNotReady(pod, now())
      if (marked === undefined) continue
      await unlessGone(patchStatus(client, PODS, { seen: pod, status: { conditions: marked.status?.conditions } }))
    }
  }
  const queue = createControllerQueue(context, { controller: 'node', sync, parallel: 1 })

  const beat = (key: ObjectKey): void => {
    lastBeat.set(key, clock.monotonic())
  }
  nodes.onChange(({ key, before, after }) => {
    // Our own verdict must not count as a sign of life.
    if (before === undefined || heartbeat(before) !== heartbeat(after)) beat(key)
    queue.add(key)
  })
  leases.onChange(({ after }) => {
    if (after === undefined) return
    const { name } = after.metadata
    beat(name)
    const node = nodes.get(name)
    if (node !== undefined && readyStatus(node) === 'Unknown') queue.add(name)
  })
}

function heartbeat(node: Node | undefined): string {
  const ready = (node?.status?.conditions ?? []).find(({ type }) => type === 'Ready')
  return JSON.stringify([ready?.lastHeartbeatTime, ready?.status === 'Unknown' ? 'Unknown' : 'said'])
}
