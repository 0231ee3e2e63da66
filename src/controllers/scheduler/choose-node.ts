/** Where a pod goes: the fitting node with the fewest pods, then the first by name; or why it goes nowhere. Pure. */
import type { Node, Pod, Taint } from '#api'
import { compareText } from '#lib'
import { readyStatus } from '../node/judge-node.ts'

export type Choice = { readonly node: string } | { readonly refused: string }

type Toleration = {
  readonly key?: string
  readonly operator?: 'Exists' | 'Equal'
  readonly value?: string
  readonly effect?: string
}

export function chooseNode(pod: Pod, nodes: Iterable<Node>, podsOn: (node: string) => number): Choice {
  const reasons = new Map<string, number>()
  let best: { readonly name: string; readonly pods: number } | undefined
  let count = 0
  for (const node of nodes) {
    count += 1
    const reason = refusal(pod, node)
    if (reason !== undefined) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      continue
    }
    const { name } = node.metadata
    const pods = podsOn(name)
    if (best === undefined || pods < best.pods || (pods === best.pods && compareText(name, best.name) < 0)) {
      best = { name, pods }
    }
  }
  if (best !== undefined) return { node: best.name }
  const listed = [...reasons].sort(([a], [b]) => compareText(a, b)).map(([reason, nodes]) => `${nodes} ${reason}`)
  const why =
    count === 0 ? 'no nodes available to schedule pods' : `0/${count} nodes are available: ${listed.join(', ')}.`
  return { refused: why }
}

function refusal(pod: Pod, node: Node): string | undefined {
  if (node.metadata.deletionTimestamp !== undefined) return 'node(s) were being deleted'
  if (node.spec?.unschedulable === true) return 'node(s) were unschedulable'
  if (readyStatus(node) !== 'True') return 'node(s) were not ready'
  const selector = Object.entries(pod.spec.nodeSelector ?? {})
  if (!selector.every(([key, value]) => node.metadata.labels?.[key] === value)) {
    return "node(s) didn't match the pod's node selector"
  }
  const { tolerations = [] } = pod.spec as { readonly tolerations?: readonly Toleration[] }
  const taint = (node.spec?.taints ?? []).find(
    (one) => one.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, one)),
  )
  return taint === undefined ? undefined : `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
}

/** core/v1 Toleration.ToleratesTaint: an empty key with Exists tolerates everything, an empty effect every effect. */
function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration
  if (effect !== '' && effect !== taint.effect) return false
  if (key === '') return operator === 'Exists'
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''))
}
