/** `signalbox explain`: gathers objects and rules from wherever they are, and lets `explain` tell what they do. */
import type { Explanation } from '#explain'
import { explainPacket, formatExplanation } from '#explain'
import type { Family } from '#lib'
import { SignalboxError, systemClock } from '#lib'
import { buildServiceModel, nodeFactsOf } from '#model'
import type { ApiClient } from '#watch'
import { connectApi, loadKubeconfig } from '#watch'

import type { BoxRecord } from '../box/box-record.ts'
import { readBox } from '../box/box-record.ts'
import { onBoxNode } from '../box/enter-box.ts'
import { readManifests } from '../read-manifests.ts'
import type { ClusterObjects } from './gather-objects.ts'
import { objectsFromApi, objectsFromManifests } from './gather-objects.ts'
import type { NodeRules, OnNode } from './gather-rules.ts'
import { rulesFromDump, rulesFromKernel } from './gather-rules.ts'
import type { AskedQuestion, ResolvedQuestion } from './resolve-question.ts'
import { resolveQuestion } from './resolve-question.ts'

export type ExplainOptions = AskedQuestion & {
  readonly rules?: string
  readonly filename?: readonly string[]
  readonly kubeconfig?: string
  readonly stateDir?: string
  readonly json?: boolean
}

export type ExplainAnswer = { readonly text: string; readonly arrives: boolean }

export async function runExplain(options: ExplainOptions): Promise<ExplainAnswer> {
  const box = options.kubeconfig === undefined && options.filename === undefined ? readBox(options.stateDir) : undefined
  const objects = await gatherObjects(options, box)
  const resolved = resolveQuestion(options, objects, box?.outside ?? {})
  const rules = await gatherRules(options, { box, objects, resolved })
  const explanation = explainResolved({
    resolved,
    objects,
    rules,
    origin: options.rules === undefined ? 'live' : 'dump',
  })
  const text = options.json === true ? `${JSON.stringify(explanation)}\n` : `${formatExplanation(explanation)}\n`
  return { text, arrives: arrives(explanation) }
}

export type ExplainResolved = {
  readonly resolved: ResolvedQuestion
  readonly objects: ClusterObjects
  readonly rules: NodeRules
  readonly origin: 'live' | 'dump' | 'rendered'
  readonly name?: { readonly name: string; readonly addresses: readonly string[] }
}

export function explainResolved(input: ExplainResolved): Explanation {
  const { resolved, objects, rules } = input
  const node = nodeFactsOf(resolved.node, objects.state.node(resolved.node))
  const { family, destination, source } = resolved
  const local = source.kind === 'node'
  const address = source.address ?? rules.host.route(destination.address)?.source
  if (address === undefined) {
    throw new SignalboxError('SBX_EXPLAIN_NO_ADDRESS', `node ${resolved.node} has no route to ${destination.address}`)
  }
  const models = resolved.services.flatMap((key) => {
    const service = objects.state.services.get(key)
    return service === undefined
      ? []
      : [buildServiceModel({ service, slices: objects.state.slicesOf(key), node, family })]
  })
  return explainPacket({
    question: {
      family,
      protocol: resolved.protocol,
      source: { ...source, address },
      destination,
      node: resolved.node,
      rules: input.origin,
    },
    ...(input.name === undefined ? {} : { name: input.name }),
    rules: rules.rules,
    host: rules.host,
    models,
    ...(local ? {} : { inInterface: rules.host.route(address)?.outInterface ?? 'eth0' }),
  })
}

/** Every path that chance may choose ends at somebody who takes the packet. */
export function arrives(explanation: Explanation): boolean {
  return (
    explanation.undecided === undefined &&
    explanation.paths.length > 0 &&
    explanation.paths.every((path) => path.verdict === 'accepted') &&
    (explanation.frontend === undefined || explanation.endpoints.length > 0)
  )
}

async function gatherObjects(options: ExplainOptions, box: BoxRecord | undefined): Promise<ClusterObjects> {
  if (options.filename !== undefined) return objectsFromManifests(readManifests(options.filename))
  return objectsFromApi(connectForReading(options, box))
}

export function connectForReading(options: Pick<ExplainOptions, 'kubeconfig'>, box: BoxRecord | undefined): ApiClient {
  const path = options.kubeconfig ?? box?.kubeconfig ?? process.env['KUBECONFIG']
  if (path === undefined) {
    throw new SignalboxError(
      'SBX_BOX_NOT_RUNNING',
      'no box is running and no --kubeconfig or --filename is given: there is nothing to explain',
    )
  }
  return connectApi(loadKubeconfig({ path }), { clock: systemClock, userAgent: 'signalbox-explain' })
}

type RulesContext = {
  readonly box: BoxRecord | undefined
  readonly objects: ClusterObjects
  readonly resolved: ResolvedQuestion
}

async function gatherRules(options: ExplainOptions, context: RulesContext): Promise<NodeRules> {
  const { family, node } = context.resolved
  if (options.rules !== undefined)
    return rulesFromDump(options.rules, family, knownAddresses(context.objects, node, family))
  const onNode: OnNode = context.box === undefined ? (argv) => argv : onBoxNode(context.box, node)
  const mode = context.box?.mode
  return rulesFromKernel({ family, onNode, ...(mode === undefined ? {} : { mode }) })
}

function knownAddresses(objects: ClusterObjects, node: string, family: Family): readonly string[] {
  const facts = nodeFactsOf(node, objects.state.node(node))
  return facts.addresses.filter((address) => address.includes(':') === (family === 'IPv6'))
}
