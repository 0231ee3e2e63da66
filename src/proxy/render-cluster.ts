/** Every rule one node would hold for a cluster, without a kernel: `signalbox render -f`, plans and offline explanations. */
import type { ClusterState } from '#api'
import * as iptables from '#backends/iptables'
import * as nftables from '#backends/nftables'
import type { Backend, Program } from '#backends/shared'
import type { DataplaneConfig } from '#dataplane'
import { planNode } from '#dataplane'
import type { Family } from '#lib'
import type { NodeFacts } from '#model'
import { renderAll } from './render-state.ts'

export type RenderClusterInput = {
  readonly state: ClusterState
  readonly node: NodeFacts
  readonly config: DataplaneConfig
  readonly family: Family
}

/** The rules as text, in the form that the tool of the mode prints and reads. */
export function renderCluster(mode: 'iptables' | 'nftables', input: RenderClusterInput): string {
  return mode === 'iptables'
    ? iptables.printProgram(renderClusterProgram(input))
    : nftables.printProgram(renderNftablesProgram(input))
}

export function renderClusterProgram(input: RenderClusterInput): iptables.Program {
  return renderWith(iptables, input)
}

export function renderNftablesProgram(input: RenderClusterInput): nftables.Program {
  return renderWith(nftables, input)
}

type Renderer<Static, Fragment> = Pick<Backend<Static, Fragment, never, never>, 'renderStatic' | 'renderService'>

function renderWith<Static, Fragment>(
  { renderStatic, renderService }: Renderer<Static, Fragment>,
  { state, node, config, family }: RenderClusterInput,
): Program<Static, Fragment> {
  const nodePlan = planNode({ config, node, family })
  const services = renderAll({ family, renderService }, { state, node, nodePlan }, () => undefined)
  return { family, static: renderStatic(nodePlan), services }
}
