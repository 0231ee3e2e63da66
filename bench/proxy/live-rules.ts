/** Whether the kernel of this network namespace holds exactly what a fresh render of a cluster says, and a name for each difference. */
import type { ClusterState, EndpointSlice, Service } from '#api'
import { clusterStateOf } from '#api'
import * as iptables from '#backends/iptables'
import * as nftables from '#backends/nftables'
import { openIptables, openNftables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'
import { nodeFactsOf } from '#model'
import { defaultConfiguration, renderClusterProgram, renderNftablesProgram, toProxyConfig } from '#proxy'
import { normalizeTable, printNftTable } from '#rulesets/nftables'
import { printIptablesSave } from '#rulesets/iptables'

import { CLUSTER_CIDRS, node, NODE_NAME, SERVICE_CIDRS } from './cluster.ts'

type Mode = 'iptables' | 'nftables'

export type Objects = { readonly services: readonly Service[]; readonly slices: readonly EndpointSlice[] }

/** Empty: equal. Lines that are missing begin with `-`, lines too many with `+`; both families. */
export async function differences(mode: Mode, objects: Objects): Promise<readonly string[]> {
  const state = { ...clusterStateOf(objects), node: () => node }
  const found: string[] = []
  for (const family of FAMILIES) {
    const input = { state, node: nodeFactsOf(NODE_NAME, node), config: configOf(mode), family }
    found.push(...(mode === 'nftables' ? await differNft(input) : await differIptables(input)))
  }
  return found
}

type Input = Parameters<typeof renderClusterProgram>[0] & { readonly state: ClusterState }

function configOf(mode: Mode): Input['config'] {
  const { configuration } = defaultConfiguration()
  return toProxyConfig({
    configuration: { ...configuration, clusterCIDR: CLUSTER_CIDRS },
    mode,
    serviceCIDRs: SERVICE_CIDRS.split(','),
    beLiberal: false,
  })
}

async function differNft(input: Input): Promise<readonly string[]> {
  const door = await openNftables({ family: nftables.nftFamily(input.family) })
  try {
    const backend = nftables.createNftablesBackend(door)
    const program = renderNftablesProgram(input)
    const table = await door.read('signalbox')
    const left = backend.sizeOf(backend.reconcile(table, program)).lines
    const live = table === undefined ? '' : printNftTable(normalizeTable(table))
    const lines = compareLines(nftLines(live), nftLines(printNftTable(normalizeTable(nftables.toTable(program)))))
    return left > 0 && lines.length === 0 ? [`a reconcile would write ${left} changes`] : lines
  } finally {
    door.close()
  }
}

/** One line an element, in no order; rules with their place in their chain. What clients leave in affinity sets is no rule. */
function nftLines(text: string): string[] {
  const lines: string[] = []
  let object = ''
  let place = 0
  for (const raw of text.split('\n')) {
    const line = raw.trim().replace(/,$/, '')
    if (line === '' || line === '}') continue
    if (/^(?:table|set|map|chain) /.test(line)) {
      object = line
      place = 0
    }
    place += 1
    if (object.startsWith('chain')) lines.push(`${object} ${place} ${line}`)
    else if (!/ expires /.test(line)) lines.push(`${object} ${line.replace(/^elements = \{ | \}$/g, '')}`)
  }
  return lines
}

async function differIptables(input: Input): Promise<readonly string[]> {
  const door = openIptables({ family: input.family, runCommand })
  const backend = iptables.createIptablesBackend(door)
  const program = renderClusterProgram(input)
  const live = await backend.read()
  const left = backend.sizeOf(backend.reconcile(live, program)).lines
  const lines = compareLines(
    iptablesLines(printIptablesSave(live)),
    iptablesLines(printIptablesSave(iptables.toRuleset(program))),
  )
  return left > 0 && lines.length === 0 ? [`a reconcile would write ${left} lines`] : lines
}

/** Chains and rules of `nat` and `filter`; in no order, which is for `reconcile` to look at. */
function iptablesLines(text: string): string[] {
  let table = ''
  return text
    .split('\n')
    .map((line) => line.trim().replace(/ \[\d+:\d+\]$/, ''))
    .filter((line) => {
      if (line.startsWith('*')) table = line
      return (table === '*nat' || table === '*filter') && /KUBE-/.test(line)
    })
    .map((line) => `${table} ${line}`)
}

function compareLines(live: readonly string[], wanted: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const line of live) counts.set(line, (counts.get(line) ?? 0) + 1)
  for (const line of wanted) counts.set(line, (counts.get(line) ?? 0) - 1)
  return [...counts].filter(([, count]) => count !== 0).map(([line, count]) => `${count > 0 ? '+' : '-'} ${line}`)
}
