/**
 * Explains one packet: what the Service declares (model), what the rules do (evaluator), and where the two differ.
 *
 * Pure. Probabilities are exact: they come from the rules, not from counting endpoints, so a ruleset that has drifted is
 * explained as it is.
 */
import type { Fraction } from '#lib'
import { addFractions, compareText, formatFraction, fraction, joinHostPort } from '#lib'
import type { EndpointDecision, EndpointModel, RefusalReason, ServiceModel } from '#model'
import type { HostFacts, Packet } from '#rulesets/iptables'

import { describePath } from './describe-path.ts'
import type { PrintedOutcome, Rules } from './evaluate-rules.ts'
import { evaluateRules } from './evaluate-rules.ts'
import type { ChosenEndpoint, Explanation, NameAnswer, Question, RefusedEndpoint } from './explanation.ts'
import { findFrontend } from './find-frontend.ts'
import { refusalInWords } from './refusal-in-words.ts'

const NONE = fraction(0)

export type ExplainInput = {
  readonly question: Question
  readonly name?: NameAnswer
  readonly rules: Rules
  readonly host: HostFacts
  /** Models of the services that might answer, of the question's family, for the question's node. */
  readonly models: Iterable<ServiceModel>
  /** Interface the packet arrives on; absent for a packet that a process of the node sends. */
  readonly inInterface?: string
}

export function explainPacket(input: ExplainInput): Explanation {
  const { question } = input
  const evaluation = evaluateRules(input.rules, packetOf(input), input.host)
  const models = [...input.models]
  const found = findFrontend(models, {
    ...question.destination,
    protocol: question.protocol,
    local: input.host.addressType(question.destination.address) === 'LOCAL',
  })
  const reached = probabilitiesByDestination(evaluation.outcomes)
  const chosen = found === undefined ? [] : chosenEndpoints(found.port.decisions, reached)
  const expected = new Set(chosen.map((endpoint) => joinHostPort(endpoint.address, endpoint.port)))
  const pods = podNames(found?.port.decisions ?? [])
  const refusal = evaluation.refused
  return {
    question,
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(found === undefined ? {} : { frontend: found.frontend }),
    endpoints: chosen,
    refused: found === undefined ? [] : refusedEndpoints(found.port.decisions),
    discarded: found?.port.discarded ?? [],
    ignoredSlices: found?.model.ignoredSlices ?? [],
    problems: found?.model.problems ?? [],
    paths: evaluation.outcomes.map((outcome) => describePath(outcome, pods)),
    ...(refusal === undefined
      ? {}
      : { undecided: `${refusal.reason} (${refusal.table ?? '?'} ${refusal.chain ?? '?'})` }),
    unexpected: [...reached.keys()]
      .filter((key) => found !== undefined && !expected.has(key))
      .map((key) => splitHostPort(key)),
  }
}

function packetOf(input: ExplainInput): Packet {
  const { question } = input
  const forwarded = input.inInterface !== undefined
  return {
    family: question.family,
    protocol: question.protocol,
    source: question.source.address,
    // Any port: no rule of a Service looks at it.
    sourcePort: 40_000,
    destination: question.destination.address,
    destinationPort: question.destination.port,
    origin: forwarded ? 'forwarded' : 'local',
    ...(forwarded ? { inInterface: input.inInterface } : {}),
  }
}

/** How likely each translated destination is, over all outcomes that a rule sent there. */
function probabilitiesByDestination(outcomes: readonly PrintedOutcome[]): ReadonlyMap<string, Fraction> {
  const sums = new Map<string, Fraction>()
  for (const outcome of outcomes) {
    const to = outcome.translated.destination
    if (to === undefined || outcome.verdict !== 'accepted') continue
    const key = joinHostPort(to.address, to.port)
    sums.set(key, addFractions(sums.get(key) ?? NONE, outcome.probability))
  }
  return sums
}

function chosenEndpoints(
  decisions: readonly EndpointDecision[],
  reached: ReadonlyMap<string, Fraction>,
): ChosenEndpoint[] {
  return decisions
    .filter(({ cluster, local }) => cluster.chosen || local.chosen)
    .map(({ endpoint }) => ({
      ...identify(endpoint),
      probability: formatFraction(reached.get(endpoint.key) ?? NONE),
    }))
    .sort((a, b) => compareText(joinHostPort(a.address, a.port), joinHostPort(b.address, b.port)))
}

/** Endpoints in neither list, each with the reason of the list that a Service without policies would use. */
function refusedEndpoints(decisions: readonly EndpointDecision[]): RefusedEndpoint[] {
  return decisions.flatMap(({ endpoint, cluster, local }) => {
    if (cluster.chosen || local.chosen) return []
    const reason: RefusalReason = cluster.reason.code === 'list-unused' ? local.reason : cluster.reason
    return [{ ...identify(endpoint), reason, text: refusalInWords(reason) }]
  })
}

function identify(endpoint: EndpointModel): { address: string; port: number; pod?: string; node?: string } {
  return {
    address: endpoint.address,
    port: endpoint.port,
    ...(endpoint.target === undefined ? {} : { pod: endpoint.target.replace(/^Pod\//, '') }),
    ...(endpoint.nodeName === undefined ? {} : { node: endpoint.nodeName }),
  }
}

function podNames(decisions: readonly EndpointDecision[]): ReadonlyMap<string, string> {
  return new Map(
    decisions.flatMap(({ endpoint }) =>
      endpoint.target === undefined ? [] : [[endpoint.key, endpoint.target.replace(/^Pod\//, '')]],
    ),
  )
}

function splitHostPort(key: string): { address: string; port: number } {
  const colon = key.lastIndexOf(':')
  return { address: key.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(key.slice(colon + 1)) }
}
