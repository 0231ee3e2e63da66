/** The demo's report: for people, and as the one JSON object that scripts read. */
import type { Explanation } from '#explain'
import { formatExplanation } from '#explain'

import type { DemoJudgement } from './judge-demo.ts'
import type { ServiceRule } from './service-rules.ts'

export type DemoReport = {
  readonly mode: string
  readonly service: {
    readonly name: string
    readonly namespace: string
    readonly clusterIP: string
    readonly port: number
    readonly url: string
  }
  readonly requests: number
  readonly answered: number
  /** Answers by pod name. */
  readonly pods: Readonly<Record<string, number>>
  readonly judgement: DemoJudgement
  readonly node: string
  readonly rules: readonly ServiceRule[]
  readonly explanation: Explanation
}

export function demoJson(report: DemoReport): string {
  const { judgement, rules, ...rest } = report
  return JSON.stringify({
    passed: judgement.passed,
    ...rest,
    shares: judgement.shares,
    chiSquare: judgement.chiSquare,
    failures: judgement.failures,
    rules: rules.map(({ text }) => text),
  })
}

export function formatDemo(report: DemoReport): string {
  const { service, judgement } = report
  const width = Math.max(3, ...judgement.shares.map(({ pod }) => pod.length))
  return [
    '',
    `Service ${service.namespace}/${service.name}: ${service.clusterIP}:${service.port}, ${report.mode} mode`,
    `${report.answered} of ${report.requests} requests to ${service.url} answered`,
    '',
    `  ${'POD'.padEnd(width)}  REQUESTS  SHARE   EXPECTED`,
    ...judgement.shares.map(
      ({ pod, requests, share, expected }) =>
        `  ${pod.padEnd(width)}  ${String(requests).padStart(8)}  ${(share * 100).toFixed(1).padStart(4)} %  ${percent(expected)} (${expected})`,
    ),
    `  chi-square ${judgement.chiSquare.statistic.toFixed(2)}, ${judgement.chiSquare.degreesOfFreedom} degrees of freedom, p = ${judgement.chiSquare.p.toFixed(3)}`,
    '',
    `The rules that did it, read back from the kernel of ${report.node}:`,
    '',
    ...report.rules.map(({ text }) => `  ${text}`),
    '',
    'What they do to one request:',
    '',
    formatExplanation(report.explanation, { brief: true }),
    '',
    ...(judgement.passed
      ? ['Passed: every request was answered, by every pod, in plausible shares.']
      : judgement.failures.map((failure) => `FAILED: ${failure}`)),
    '',
  ].join('\n')
}

function percent(fraction: string): string {
  const [numerator = 0, denominator = 1] = fraction.split('/').map(Number)
  return `${((numerator / denominator) * 100).toFixed(1)} %`
}
