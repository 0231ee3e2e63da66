/**
 * Which UDP flows lead where they no longer should (section 8). UDP has no end that the kernel could see, so a client that
 * keeps its port keeps its endpoint, long after that is gone. TCP and SCTP flows are left alone (CT-7).
 *
 * Beyond kube-proxy 1.36: a service with no serving endpoint keeps no flow (CT-8), nor does one that is gone or has lost a
 * frontend (CT-9), and a node port only counts on addresses of this node (CT-6). Pure.
 */
import { joinHostPort } from '#lib'
import type { Flow, FlowEnd } from '#kernel'
import type { FactsChange, UdpPort } from './service-facts.ts'

/** For each frontend whose flows are to be looked at, where they may go. */
export type FlowExpectations = {
  readonly frontends: ReadonlyMap<string, ReadonlySet<string>>
  readonly nodePorts: ReadonlyMap<number, ReadonlySet<string>>
}

/**
 * Undefined: no UDP service changed, and the table need not be listed (CT-1). `current` are the UDP ports of all services
 * that are served now: one may have taken over a frontend that another has given up.
 */
export function expectedFlows(
  changes: readonly FactsChange[],
  current: () => Iterable<UdpPort>,
): FlowExpectations | undefined {
  const changed = changes.filter(({ before, after }) => !sameUdp(before?.udp, after?.udp))
  if (changed.length === 0) return undefined
  const frontends = new Map<string, Set<string>>()
  const nodePorts = new Map<number, Set<string>>()
  for (const { before, after } of changed) {
    for (const port of [...(before?.udp ?? []), ...(after?.udp ?? [])]) {
      for (const frontend of port.frontends) frontends.set(frontend, new Set())
      if (port.nodePort !== undefined) nodePorts.set(port.nodePort, new Set())
    }
  }
  for (const port of current()) {
    for (const frontend of port.frontends) allow(frontends.get(frontend), port.serving)
    if (port.nodePort !== undefined) allow(nodePorts.get(port.nodePort), port.serving)
  }
  return { frontends, nodePorts }
}

/** CT-4, CT-5: a flow to one of the frontends that is answered by none of its endpoints. */
export function staleFlows(
  flows: readonly Flow[],
  expected: FlowExpectations,
  isNodeAddress: (address: string) => boolean,
): Flow[] {
  return flows.filter(({ original: { destination }, reply }) => {
    const frontend = expected.frontends.get(keyOf(destination))
    const nodePort = isNodeAddress(destination.address) ? expected.nodePorts.get(destination.port) : undefined
    const serving = frontend ?? nodePort
    return serving !== undefined && !serving.has(keyOf(reply.source))
  })
}

function allow(serving: Set<string> | undefined, endpoints: readonly string[]): void {
  if (serving !== undefined) for (const endpoint of endpoints) serving.add(endpoint)
}

function keyOf({ address, port }: FlowEnd): string {
  return joinHostPort(address, port)
}

function sameUdp(a: readonly UdpPort[] | undefined, b: readonly UdpPort[] | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
