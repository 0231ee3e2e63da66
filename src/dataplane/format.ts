/** A service's plan as stable columns. */
import { joinHostPort } from '#lib'
import type { Outcome, ServicePlan, ServicePortPlan } from './types.ts'

export function formatServicePlan(plan: ServicePlan): string {
  const lines = plan.ports.flatMap(portLines)
  const health = plan.healthCheck
  if (health !== undefined) lines.push(`health :${health.nodePort} local=${health.localEndpoints}`)
  return `${plan.key} ${plan.family}\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function portLines(port: ServicePortPlan): string[] {
  const at = (address: string): string => `${joinHostPort(address, port.servicePort)}/${port.protocol}`
  const guard = port.sourceRanges.length === 0 ? '' : ` from ${port.sourceRanges.join(',')}`
  const external = port.external === undefined ? '' : describeOutcome(port.external, port)
  const masquerade = port.externalSources === 'everyone' ? 'masquerade=always' : 'short-circuit=pods,node'
  const affinity = port.affinitySeconds === undefined ? '' : ` affinity=${port.affinitySeconds}s`
  return [
    `cluster-ip ${at(port.clusterIP)} ${describeOutcome(port.internal, port)} masquerade=${port.internalMasquerade}${affinity}`,
    ...port.externalIPs.map((address) => `external-ip ${at(address)} ${external} ${masquerade}${affinity}`),
    ...port.virtualIPs.map((address) => `vip ${at(address)}${guard} ${external} ${masquerade}${affinity}`),
    ...(port.nodePort === undefined
      ? []
      : [`node-port *:${port.nodePort}/${port.protocol} ${external} ${masquerade}${affinity}`]),
  ]
}

function describeOutcome(outcome: Outcome, port: ServicePortPlan): string {
  if (outcome.kind !== 'forward') return `-> ${outcome.kind.toUpperCase()}`
  const list = outcome.list === 'cluster' ? port.clusterDestinations : port.localDestinations
  return `-> ${list.map((destination) => destination.key).join(' ')} (${outcome.list})`
}
