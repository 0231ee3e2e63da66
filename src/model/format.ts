/** The model as stable columns for people, golden files and `explain`. Sorted input order is kept: it is the rules' order. */
import type { DiscardedEndpoint, RefusalReason, ServiceModel, ServicePortModel, Verdict } from './types.ts'

const HEADER = ['PORT', 'FRONTENDS', 'ENDPOINT', 'NODE', 'CLUSTER', 'LOCAL']

export function formatServiceModel(model: ServiceModel): string {
  if (model.skipped !== undefined) return `${model.key} ${model.family}: no rules (${model.skipped})\n`
  const rows = [HEADER, ...model.ports.flatMap((port) => portRows(model, port))]
  const problems = model.problems.map((problem) => `! ${problem.object} ${problem.field}: ${problem.message}\n`)
  const ignored = model.ignoredSlices.map((slice) => `- slice ${slice.slice}: ${slice.reason.code}\n`)
  return `${model.key} ${model.family}\n${columns(rows)}${ignored.join('')}${problems.join('')}`
}

function portRows(model: ServiceModel, port: ServicePortModel): string[][] {
  const name = `${port.printedName}/${port.protocol}`
  const frontends = frontendsOf(model, port).join(',')
  const rows = port.decisions.map(({ endpoint, cluster, local }) => [
    name,
    frontends,
    endpoint.key,
    endpoint.nodeName ?? '-',
    describeVerdict(cluster),
    describeVerdict(local),
  ])
  const discarded = port.discarded.map((entry) => [
    name,
    frontends,
    entry.address ?? '-',
    '-',
    describeRefusal(entry.reason),
    '-',
  ])
  return rows.length + discarded.length === 0 ? [[name, frontends, '-', '-', '-', '-']] : [...rows, ...discarded]
}

function frontendsOf(model: ServiceModel, port: ServicePortModel): string[] {
  const at = (address: string): string =>
    address.includes(':') ? `[${address}]:${port.servicePort}` : `${address}:${port.servicePort}`
  return [
    ...(model.clusterIP === undefined ? [] : [at(model.clusterIP)]),
    ...model.externalIPs.map(at),
    ...model.virtualIPs.map(at),
    ...(port.nodePort === undefined ? [] : [`*:${port.nodePort}`]),
  ]
}

export function describeVerdict(verdict: Verdict): string {
  return verdict.chosen ? verdict.because : describeRefusal(verdict.reason)
}

export function describeRefusal(reason: RefusalReason | DiscardedEndpoint['reason']): string {
  switch (reason.code) {
    case 'other-node':
      return `other-node(${reason.nodeName ?? 'unknown'})`
    case 'other-zone':
      return `other-zone(${reason.zones.join(',')})`
    case 'hinted-other-node':
      return `hinted-other-node(${reason.nodes.join(',')})`
    case 'port-name-mismatch':
      return `port-name-mismatch(${reason.offered.join(',')})`
    case 'duplicate-of':
      return `duplicate-of(${reason.slice})`
    case 'list-unused':
      return '-'
    case 'not-ready':
    case 'terminating-unused':
    case 'no-address':
    case 'invalid-address':
      return reason.code
  }
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
