/** A cluster in which every kind of iptables rule occurs at least once, for golden files and kernel tests. */
import type { ClusterState } from '#api'
import { clusterStateOf } from '#api'
import type { NodeFacts } from '#model'
import type { ProxyConfig } from '../config.ts'
import { DEFAULT_PROXY_CONFIG } from '../config.ts'
import { here, service, slice, there } from './objects.ts'

export const FIXTURE_NODE: NodeFacts = {
  name: 'node-1',
  zone: 'a',
  addresses: ['172.18.0.11', 'fd00:172:18::11'],
  podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
}

export const FIXTURE_CONFIG: ProxyConfig = {
  ...DEFAULT_PROXY_CONFIG,
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
}

export function fixtureCluster(): ClusterState {
  const dual = (last: number): string[] => [`10.96.0.${last}`, `fd00:10:96::${last}`]
  const pods = [here('10.244.1.1'), here('10.244.1.2'), there('10.244.2.1')]
  const pods6 = [here('fd00:10:244:1::1'), there('fd00:10:244:2::1')]
  const both = (name: string): ReturnType<typeof slice>[] => [
    slice({ service: name, name: `${name}-v4`, endpoints: pods }),
    slice({ service: name, name: `${name}-v6`, addressType: 'IPv6', endpoints: pods6 }),
  ]
  return clusterStateOf({
    services: [
      service({ name: 'plain', clusterIPs: dual(11) }),
      service({ name: 'empty', clusterIPs: dual(12), type: 'NodePort', ports: [{ port: 80, nodePort: 30012 }] }),
      service({
        name: 'dns',
        clusterIPs: dual(13),
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53 },
        ],
      }),
      service({ name: 'sctp', clusterIPs: dual(14), ports: [{ port: 3868, protocol: 'SCTP' }] }),
      service({
        name: 'sticky',
        clusterIPs: dual(15),
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
      }),
      service({
        name: 'node-port',
        clusterIPs: dual(16),
        type: 'NodePort',
        externalIPs: ['203.0.113.9', 'fd00:203::9'],
        ports: [{ name: 'http', port: 80, nodePort: 30016 }],
      }),
      service({
        name: 'balanced',
        clusterIPs: dual(17),
        type: 'LoadBalancer',
        ports: [{ port: 80, nodePort: 30017 }],
        vips: ['198.51.100.7', 'fd00:198::7'],
        loadBalancerSourceRanges: ['203.0.113.0/24', '172.18.0.0/24', 'fd00:203::/32'],
      }),
      service({
        name: 'local',
        clusterIPs: dual(18),
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 32018,
        ports: [{ port: 80, nodePort: 30018 }],
        vips: ['198.51.100.8', 'fd00:198::8'],
      }),
      service({
        name: 'remote-only',
        clusterIPs: dual(19),
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        internalTrafficPolicy: 'Local',
        healthCheckNodePort: 32019,
        ports: [{ port: 80, nodePort: 30019 }],
        vips: ['198.51.100.9', 'fd00:198::9'],
      }),
    ],
    slices: [
      ...both('plain'),
      slice({
        service: 'dns',
        endpoints: [there('10.244.2.53')],
        ports: [
          { name: 'dns', protocol: 'UDP', port: 53 },
          { name: 'dns-tcp', protocol: 'TCP', port: 53 },
        ],
      }),
      slice({ service: 'sctp', endpoints: pods, ports: [{ name: '', protocol: 'SCTP', port: 3868 }] }),
      ...both('sticky'),
      slice({ service: 'node-port', endpoints: pods, ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] }),
      ...both('balanced'),
      ...both('local'),
      slice({ service: 'remote-only', endpoints: [there('10.244.2.1')] }),
    ],
  })
}
