/** How much of the cluster's CPU each zone has (endpointslice/topologycache SetNodes; api-server.md 15.2). Pure. */
import type { Node } from '#api'

export type ZoneShares = { readonly shares: ReadonlyMap<string, number> } | { readonly problem: string }

const ZONE = 'topology.kubernetes.io/zone'
/** No Service's pods run on these, so their CPU attracts no requests. */
const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']
const NODE_INFO = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
const ONE_ZONE = 'Nodes only ready in one zone'

export function zoneSharesOf(nodes: Iterable<Node>): ZoneShares {
  const byZone = new Map<string, number>()
  let total = 0
  for (const node of nodes) {
    const { labels = {} } = node.metadata
    if (CONTROL_PLANE.some((key) => Object.hasOwn(labels, key)) || !isReady(node)) continue
    const zone = labels[ZONE] ?? ''
    const cpu = milliCpus(node.status?.allocatable?.['cpu'])
    if (zone === '' || cpu === 0) return { problem: NODE_INFO }
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu)
    total += cpu
  }
  if (byZone.size === 0) return { problem: NODE_INFO }
  if (byZone.size === 1) return { problem: ONE_ZONE }
  return { shares: new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total])) }
}

/** What of a node the shares depend on, as text. */
export function zoneFacts(node: Node | undefined): string {
  if (node === undefined) return ''
  const { labels = {} } = node.metadata
  const excluded = CONTROL_PLANE.some((key) => Object.hasOwn(labels, key))
  return JSON.stringify([labels[ZONE], excluded, isReady(node), node.status?.allocatable?.['cpu']])
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
}

/** `2`, `0.5` and `1500m`; anything else is none. */
function milliCpus(quantity: string | number = ''): number {
  const match = /^(\d{1,9}(?:\.\d{1,9})?)(m?)$/.exec(String(quantity))
  return match === null ? 0 : Number(match[1]) * (match[2] === 'm' ? 1 : 1000)
}
