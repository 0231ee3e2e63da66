/**
 * One service's rules (IPT-16..IPT-29; kube-proxy pkg/proxy/iptables/proxier.go syncProxyRules), in the order kube-proxy
 * writes them. Pure; everything it needs is in the plan.
 */
import type { NodePlan, Outcome, ServicePlan, ServicePortPlan } from '#dataplane'
import type { Family } from '#lib'
import type { Rule, Target } from '#rulesets/iptables'
import type { PortChains } from './names.ts'
import {
  KUBE_EXTERNAL_SERVICES,
  KUBE_MARK_MASQ,
  KUBE_NODEPORTS,
  KUBE_PROXY_FIREWALL,
  KUBE_SERVICES,
  portChains,
} from './names.ts'
import type { Entry, Fragment } from './program.ts'
import { renderEndpointChains } from './render-endpoints.ts'
import {
  ACCEPT,
  comment,
  DESTINATION_IS_LOCAL,
  destinationPort,
  DROP,
  frontend,
  fromSource,
  hostCidr,
  jump,
  podSource,
  protocolIs,
  reject,
  rule,
  SOURCE_IS_LOCAL,
} from './rule-parts.ts'

export function renderService(plan: ServicePlan, node: NodePlan): Fragment {
  const chains = new Map<string, readonly Rule[]>()
  const entries: Entry[] = []
  for (const port of plan.ports) {
    const names = portChains(port.name, port.protocol)
    entries.push(...natEntries(port, names), ...filterEntries(port, names, plan.family))
    if (port.external !== undefined && port.external.kind !== 'reject') {
      chains.set(names.ext, externalChain(port, names, node))
      if (guarded(port)) chains.set(names.fw, sourceRangeChain(port, names))
    }
    renderEndpointChains({ port, names, node, chains })
  }
  return { chains, entries }
}

/** IPT-16, IPT-17. */
function natEntries(port: ServicePortPlan, names: PortChains): Entry[] {
  const entries: Entry[] = []
  const add = (chain: string, built: Rule): void => void entries.push({ table: 'nat', chain, rule: built })
  if (port.internal.kind === 'forward') {
    const target = jump(port.internal.list === 'cluster' ? names.svc : names.svl)
    add(KUBE_SERVICES, rule(frontend(port, port.clusterIP, `${port.name} cluster IP`), target))
  }
  if (port.external === undefined || port.external.kind === 'reject') return entries
  for (const address of port.externalIPs) {
    add(KUBE_SERVICES, rule(frontend(port, address, `${port.name} external IP`), jump(names.ext)))
  }
  const balanced = jump(guarded(port) ? names.fw : names.ext)
  for (const address of port.virtualIPs) {
    add(KUBE_SERVICES, rule(frontend(port, address, `${port.name} loadbalancer IP`), balanced))
  }
  if (port.nodePort !== undefined) {
    const matches = [protocolIs(port.protocol), comment(port.name), destinationPort(port.protocol, port.nodePort)]
    add(KUBE_NODEPORTS, rule(matches, jump(names.ext)))
  }
  return entries
}

/** IPT-15, IPT-23, IPT-24: what is left untranslated meets its end here. */
function filterEntries(port: ServicePortPlan, names: PortChains, family: Family): Entry[] {
  const entries: Entry[] = []
  const add = (chain: string, built: Rule): void => void entries.push({ table: 'filter', chain, rule: built })
  const refusedInternal = refusal(port, port.internal, family)
  if (refusedInternal !== undefined) {
    add(KUBE_SERVICES, rule(frontend(port, port.clusterIP, refusedInternal.text), refusedInternal.target))
  }
  const refusedExternal = port.external === undefined ? undefined : refusal(port, port.external, family)
  if (guarded(port)) {
    for (const address of port.virtualIPs) {
      const text = `${port.name} traffic not accepted by ${names.fw}`
      add(KUBE_PROXY_FIREWALL, rule(frontend(port, address, text), DROP))
    }
  }
  if (refusedExternal !== undefined) {
    const { text, target } = refusedExternal
    for (const address of [...port.externalIPs, ...port.virtualIPs]) {
      add(KUBE_EXTERNAL_SERVICES, rule(frontend(port, address, text), target))
    }
    if (port.nodePort !== undefined) {
      const nodePort = destinationPort(port.protocol, port.nodePort)
      const matches = [protocolIs(port.protocol), comment(text), DESTINATION_IS_LOCAL, nodePort]
      add(KUBE_EXTERNAL_SERVICES, rule(matches, target))
    }
  }
  if (port.healthCheckNodePort !== undefined) {
    const text = comment(`${port.name} health check node port`)
    add(KUBE_NODEPORTS, rule([protocolIs('tcp'), text, destinationPort('tcp', port.healthCheckNodePort)], ACCEPT))
  }
  return entries
}

function refusal(
  port: ServicePortPlan,
  outcome: Outcome,
  family: Family,
): { readonly text: string; readonly target: Target } | undefined {
  switch (outcome.kind) {
    case 'forward':
      return undefined
    case 'reject':
      return { text: `${port.name} has no endpoints`, target: reject(family) }
    case 'drop':
      return { text: `${port.name} has no local endpoints`, target: DROP }
  }
}

/** IPT-20, IPT-21. */
function externalChain(port: ServicePortPlan, names: PortChains, node: NodePlan): Rule[] {
  const to = `${port.name} external destinations`
  const rules: Rule[] = []
  if (port.externalSources === 'everyone') {
    rules.push(rule([comment(`masquerade traffic for ${to}`)], jump(KUBE_MARK_MASQ)))
  } else {
    if (node.localDetector !== undefined) {
      rules.push(rule([podSource(node.localDetector), comment(`pod traffic for ${to}`)], jump(names.svc)))
    }
    rules.push(
      rule([comment(`masquerade LOCAL traffic for ${to}`), SOURCE_IS_LOCAL], jump(KUBE_MARK_MASQ)),
      rule([comment(`route LOCAL traffic for ${to}`), SOURCE_IS_LOCAL], jump(names.svc)),
    )
  }
  if (port.external?.kind === 'forward') {
    rules.push(rule([], jump(port.external.list === 'cluster' ? names.svc : names.svl)))
  }
  return rules
}

/** Source ranges need an endpoint to guard; without any, everybody is rejected (TG-23). */
function guarded(port: ServicePortPlan): boolean {
  const served = port.external !== undefined && port.external.kind !== 'reject'
  return served && port.virtualIPs.length > 0 && port.sourceRanges.length > 0
}

/** IPT-22: the last rule has no target; it only says where the rest goes. */
function sourceRangeChain(port: ServicePortPlan, names: PortChains): Rule[] {
  const text = comment(`${port.name} loadbalancer IP`)
  const sources = [...port.sourceRanges, ...(port.allowVirtualIPSources ? port.virtualIPs.map(hostCidr) : [])]
  return [
    ...sources.map((cidr) => rule([fromSource(cidr), text], jump(names.ext))),
    rule([comment(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`)]),
  ]
}
