/** Small plans for tests of this mode: say what matters. */
import type { Destination, NodePlan, ServicePortPlan } from '#dataplane'
import type { Fragment } from '../program.ts'
import { renderService } from '../render-service.ts'

export const NODE: NodePlan = {
  family: 'IPv4',
  masqueradeMark: 0x4000,
  masqueradeAll: false,
  localDetector: { kind: 'source', cidr: '10.244.0.0/16' },
  nodePortAddresses: { kind: 'listed', addresses: ['172.18.0.11'] },
  localhostNodePorts: false,
  dropInvalid: true,
  serviceCIDRs: ['10.96.0.0/16'],
}

/** On this node below 100, elsewhere from there. */
export function destinations(...hosts: readonly number[]): Destination[] {
  return hosts.map((host) => ({
    key: `10.244.1.${host}:8080`,
    address: `10.244.1.${host}`,
    port: 8080,
    local: host < 100,
  }))
}

export type Sample = Partial<ServicePortPlan> & { readonly hosts?: readonly number[] }

export function fragmentOf(sample: Sample = {}): Fragment {
  const { hosts = [1, 2], ...change } = sample
  const list = destinations(...hosts)
  const local = list.filter((destination) => destination.local)
  const forward = list.length > 0 ? ({ kind: 'forward', list: 'cluster' } as const) : ({ kind: 'reject' } as const)
  const port: ServicePortPlan = {
    name: 'ns/web',
    protocol: 'tcp',
    servicePort: 80,
    clusterIP: '10.96.0.10',
    externalIPs: [],
    virtualIPs: [],
    sourceRanges: [],
    allowVirtualIPSources: false,
    internal: forward,
    ...((change.externalIPs ?? change.virtualIPs ?? change.nodePort) === undefined ? {} : { external: forward }),
    internalMasquerade: 'sources-outside-pods',
    externalSources: 'everyone',
    clusterDestinations: list,
    localDestinations: local,
    reachable: list,
    ...change,
  }
  return renderService({ key: port.name.split(':')[0] ?? '', family: 'IPv4', ports: [port] }, NODE)
}
