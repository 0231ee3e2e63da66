/** `signalbox render`: the rules one node would hold for some manifests, as iptables-save or `nft list` would print them. */
import { clusterStateOf } from '#api'
import type { Family } from '#lib'
import { FAMILIES } from '#lib'
import { buildServiceModel, nodeFactsOf } from '#model'
import { DEFAULT_PROXY_CONFIG, renderCluster } from '#proxy'

import { requireKnownMode } from '../modes.ts'
import { readManifests } from '../read-manifests.ts'
import { completeManifests } from './complete-manifests.ts'

export type RenderOptions = {
  readonly files: readonly string[]
  readonly node: string
  readonly mode: string
  readonly clusterCidr?: string
  readonly json: boolean
}

const CLUSTER_CIDRS = '10.244.0.0/16,fd00:10:244::/56'

/** Resolves with what goes to stdout; assumptions and problems go to stderr, or into the JSON object. */
export async function runRender(options: RenderOptions): Promise<string> {
  const { mode } = options
  requireKnownMode(mode)
  const { services, slices, nodes, assumed } = completeManifests(readManifests(options.files), options.node)
  const state = clusterStateOf({ services, slices, nodes })
  const node = nodeFactsOf(options.node, state.node(options.node))
  const config = { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: (options.clusterCidr ?? CLUSTER_CIDRS).split(',') }
  const problems = FAMILIES.flatMap((family) =>
    [...state.services].flatMap(([key, service]) => problemsOf({ key, service, family })),
  )

  function problemsOf({
    key,
    service,
    family,
  }: {
    key: string
    service: (typeof services)[number]
    family: Family
  }): string[] {
    const model = buildServiceModel({ service, slices: state.slicesOf(key), node, family })
    const skipped = model.skipped === undefined || model.skipped === 'no-cluster-ip-of-family' ? [] : [model.skipped]
    return [
      ...skipped.map((reason) => `Service ${key}: no rules (${reason})`),
      ...model.problems.map(({ object, field, message }) => `${object} ${field}: ${message}`),
    ]
  }

  const text = (family: Family): string => renderCluster(mode, { state, node, config, family })
  const told = [...new Set(problems)]
  if (options.json) {
    return `${JSON.stringify({ mode: options.mode, node: options.node, IPv4: text('IPv4'), IPv6: text('IPv6'), assumed, problems: told })}\n`
  }
  for (const line of assumed) process.stderr.write(`assumed: ${line}\n`)
  for (const line of told) process.stderr.write(`problem: ${line}\n`)
  return FAMILIES.map((family) => `# ${family}\n${text(family)}`).join('\n')
}
