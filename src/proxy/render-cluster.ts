/** Every rule one node would hold for a cluster, without a kernel: `signalbox render -f`, plans and offline explanations. */
import type { ClusterState } from '#api'
import type { Program, Ruleset } from '#backends/iptables'
import { renderService, renderStatic, toRuleset } from '#backends/iptables'
import type { DataplaneConfig } from '#dataplane'
import { planNode } from '#dataplane'
import type { Family } from '#lib'
import type { NodeFacts } from '#model'
import { renderAll } from './render-state.ts'

export function renderCluster(
  state: ClusterState,
  node: NodeFacts,
  config: DataplaneConfig,
): { readonly IPv4: Ruleset; readonly IPv6: Ruleset } {
  const render = (family: Family): Ruleset => toRuleset(renderClusterProgram({ state, node, config, family }))
  return { IPv4: render('IPv4'), IPv6: render('IPv6') }
}

export function renderClusterProgram(input: {
  readonly state: ClusterState
  readonly node: NodeFacts
  readonly config: DataplaneConfig
  readonly family: Family
}): Program {
  const { state, node, config, family } = input
  const nodePlan = planNode({ config, node, family })
  const services = renderAll({ family, renderService }, { state, node, nodePlan }, () => undefined)
  return { family, static: renderStatic(nodePlan), services }
}
