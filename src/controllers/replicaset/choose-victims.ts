/**
 * Which pods go when there are too many (pkg/controller ActivePodsWithRanks): those of least use first. Pure.
 */
import type { Pod } from '#api'
import { compareText } from '#lib'
import { isReady, readySince } from '../shared/pod-facts.ts'

const COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost'
const PHASE_ORDER: readonly (string | undefined)[] = ['Pending', 'Unknown', 'Running']

export function chooseVictims(pods: readonly Pod[], count: number): readonly Pod[] {
  if (count >= pods.length) return pods
  const perNode = new Map<string, number>()
  for (const { spec } of pods) perNode.set(spec.nodeName ?? '', (perNode.get(spec.nodeName ?? '') ?? 0) + 1)
  /** Negative: `a` goes before `b`. */
  const order = (a: Pod, b: Pod): number =>
    Number(isAssigned(a)) - Number(isAssigned(b)) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    costOf(a) - costOf(b) ||
    (perNode.get(b.spec.nodeName ?? '') ?? 0) - (perNode.get(a.spec.nodeName ?? '') ?? 0) ||
    // Ready for a shorter time, restarted more often, younger: less to lose.
    compareText(readySince(b) ?? '', readySince(a) ?? '') ||
    restarts(b) - restarts(a) ||
    compareText(b.metadata.creationTimestamp ?? '', a.metadata.creationTimestamp ?? '') ||
    compareText(a.metadata.name, b.metadata.name)
  return pods.toSorted(order).slice(0, Math.max(0, count))
}

function isAssigned({ spec }: Pod): boolean {
  return (spec.nodeName ?? '') !== ''
}

function phaseRank({ status }: Pod): number {
  const rank = PHASE_ORDER.indexOf(status?.phase)
  return rank < 0 ? 0 : rank
}

function costOf({ metadata }: Pod): number {
  const cost = Number.parseInt(metadata.annotations?.[COST_ANNOTATION] ?? '0', 10)
  return Number.isNaN(cost) ? 0 : cost
}

function restarts({ status }: Pod): number {
  return Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount ?? 0))
}
