/** An explanation for a terminal: the story first, the rules of each path after it. */
import { joinHostPort } from '#lib'

import type { Explanation, Path, PathStep } from './explanation.ts'

export type FormatOptions = {
  /** Print the rules of only the first path to each verdict; the others differ in the endpoint alone. */
  readonly brief?: boolean
}

export function formatExplanation(explanation: Explanation, options: FormatOptions = {}): string {
  return [
    ...questionLines(explanation),
    ...serviceLines(explanation),
    ...endpointLines(explanation),
    ...doubtLines(explanation),
    ...pathLines(explanation.paths, options.brief === true),
  ].join('\n')
}

function questionLines({ question, name }: Explanation): string[] {
  const { source, destination, protocol, node, rules } = question
  const from = source.name === undefined ? source.address : `${source.kind} ${source.name} (${source.address})`
  const lines = [`A new ${protocol} flow from ${from} to ${joinHostPort(destination.address, destination.port)}`]
  if (name !== undefined) lines.push(`  name       ${name.name} is ${name.addresses.join(', ') || 'not known'}`)
  const origin = { live: 'read from the kernel', dump: 'read from a dump', rendered: 'as they would be rendered' }[
    rules
  ]
  lines.push(`  rules      of ${node}, ${origin}`)
  return lines
}

function serviceLines({ frontend }: Explanation): string[] {
  if (frontend === undefined) return ['  service    none has this address and port']
  const port = frontend.portName === '' ? '' : ` (port ${frontend.portName})`
  return [
    `  service    ${frontend.service}${port}, by its ${frontend.kind}; topology: ${topologyText(frontend.topology)}`,
  ]
}

function topologyText(topology: NonNullable<Explanation['frontend']>['topology']): string {
  if (topology.kind === 'same-node') return 'endpoints hinted for this node'
  if (topology.kind === 'same-zone') return `endpoints hinted for zone ${topology.zone}`
  return 'all endpoints'
}

function endpointLines(explanation: Explanation): string[] {
  const lines: string[] = []
  for (const endpoint of explanation.endpoints) {
    lines.push(`  endpoint   ${place(endpoint)}  probability ${endpoint.probability}`)
  }
  for (const endpoint of explanation.refused) lines.push(`  refused    ${place(endpoint)}  ${endpoint.text}`)
  for (const { slice, address, reason } of explanation.discarded) {
    lines.push(`  discarded  ${address ?? 'an endpoint'} of EndpointSlice ${slice}  ${reason.code}`)
  }
  for (const { slice, reason } of explanation.ignoredSlices) {
    if (reason.code !== 'wrong-family') lines.push(`  ignored    EndpointSlice ${slice}  ${reason.code}`)
  }
  if (explanation.frontend !== undefined && explanation.endpoints.length === 0) lines.push('  endpoint   none')
  return lines
}

function place(endpoint: { address: string; port: number; pod?: string; node?: string }): string {
  const pod = endpoint.pod === undefined ? '' : ` ${endpoint.pod}`
  const node = endpoint.node === undefined ? '' : ` on ${endpoint.node}`
  return `${joinHostPort(endpoint.address, endpoint.port)}${pod}${node}`
}

function doubtLines(explanation: Explanation): string[] {
  const lines = explanation.problems.map(({ object, field, message }) => `  problem    ${object} ${field}: ${message}`)
  if (explanation.undecided !== undefined) lines.push(`  undecided  ${explanation.undecided}`)
  for (const address of explanation.unexpected) {
    lines.push(
      `  drift      the rules lead to ${joinHostPort(address.address, address.port)}, which the API does not choose`,
    )
  }
  for (const endpoint of explanation.endpoints) {
    if (endpoint.probability === '0')
      lines.push(`  drift      no rule leads to ${joinHostPort(endpoint.address, endpoint.port)}`)
  }
  return lines
}

/** The first path to each verdict is told whole; of the others, what is like it is left out. */
function pathLines(paths: readonly Path[], brief: boolean): string[] {
  return paths.flatMap((path, i) => {
    const model = paths.slice(0, i).find((other) => other.verdict === path.verdict)
    if (model !== undefined && brief) return []
    return [
      '',
      `With probability ${path.probability}: ${verdictText(path)}; ${path.rulesConsidered} rules looked at`,
      ...(model === undefined ? path.steps.flatMap(stepLines) : differingLines(path, model)),
    ]
  })
}

function differingLines(path: Path, model: Path): string[] {
  const same = (a: PathStep | undefined, b: PathStep | undefined): boolean =>
    a !== undefined && b !== undefined && stepLines(a).join() === stepLines(b).join()
  let before = 0
  while (same(path.steps[before], model.steps[before])) before += 1
  let after = 0
  while (after < path.steps.length - before && same(path.steps.at(-1 - after), model.steps.at(-1 - after))) after += 1
  return [
    ...(before === 0 ? [] : ['  (as above)']),
    ...path.steps.slice(before, path.steps.length - after).flatMap(stepLines),
    ...(after === 0 ? [] : ['  (as above)']),
  ]
}

function stepLines(step: PathStep): string[] {
  const place = `${step.table} ${step.chain}${step.position === undefined ? '' : ` #${step.position}`}`
  const chance = step.chance === undefined ? '' : ` (chance ${step.chance})`
  return [
    `  ${step.hook.padEnd(11)} ${place}: ${step.effect}${chance}`,
    ...(step.rule === undefined ? [] : [`              ${step.rule}`]),
    ...(step.element === undefined ? [] : [`              ${elementText(step.element)}`]),
  ]
}

function elementText({ set, key, comment }: NonNullable<PathStep['element']>): string {
  return `by ${set === '' ? '' : `@${set} `}{ ${key}${comment === undefined ? '' : ` comment "${comment}"`} }`
}

function verdictText(path: Path): string {
  const to = joinHostPort(path.to.address, path.to.port)
  if (path.verdict === 'dropped') return `dropped on its way to ${to}; the client waits in vain`
  if (path.verdict === 'rejected') return `refused at once (${path.rejectedWith ?? 'reject'})`
  const seen = path.seenFrom === undefined ? '' : `, which sees it come from ${path.seenFrom}`
  return `reaches ${to}${path.to.pod === undefined ? '' : ` (pod ${path.to.pod})`}${seen}`
}
