/** Whether the demo showed what it promises: every request answered, by every pod, in plausible shares. */
import type { ChiSquare } from './chi-square.ts'
import { chiSquare } from './chi-square.ts'

export type PodShare = {
  readonly pod: string
  readonly requests: number
  /** Of all requests, 0 to 1. */
  readonly share: number
  /** As the rules have it: `1/3`. */
  readonly expected: string
}

export type DemoJudgement = {
  readonly passed: boolean
  readonly shares: readonly PodShare[]
  readonly chiSquare: ChiSquare
  /** Why it did not pass; empty if it did. */
  readonly failures: readonly string[]
}

export type DemoCounts = {
  readonly requests: number
  readonly answered: number
  /** Answers by pod name. */
  readonly byPod: Readonly<Record<string, number>>
  /** Exact probability by pod name, from the rules. */
  readonly expected: Readonly<Record<string, string>>
}

/** Below this probability, shares as uneven as these are not believed to be chance. */
const PLAUSIBLE = 0.001

export function judgeDemo(counts: DemoCounts): DemoJudgement {
  const pods = [...new Set([...Object.keys(counts.expected), ...Object.keys(counts.byPod)])].sort()
  const observed = pods.map((pod) => counts.byPod[pod] ?? 0)
  const test = chiSquare(
    observed,
    pods.map((pod) => toNumber(counts.expected[pod] ?? '0')),
  )
  const failures: string[] = []
  if (counts.answered !== counts.requests)
    failures.push(`${counts.requests - counts.answered} requests were not answered`)
  for (const pod of pods) {
    if ((counts.byPod[pod] ?? 0) === 0) failures.push(`pod ${pod} answered no request`)
    if (counts.expected[pod] === undefined) failures.push(`pod ${pod} answered, but the rules do not lead to it`)
  }
  if (pods.length === 0) failures.push('no pod is behind the Service')
  if (!(test.p > PLAUSIBLE)) failures.push(`the shares are not plausible: chi-square p = ${test.p.toExponential(1)}`)
  return {
    passed: failures.length === 0,
    shares: pods.map((pod, i) => ({
      pod,
      requests: observed[i] ?? 0,
      share: counts.answered === 0 ? 0 : (observed[i] ?? 0) / counts.answered,
      expected: counts.expected[pod] ?? '0',
    })),
    chiSquare: test,
    failures,
  }
}

function toNumber(fraction: string): number {
  const [numerator = 0, denominator = 1] = fraction.split('/').map(Number)
  return numerator / denominator
}
