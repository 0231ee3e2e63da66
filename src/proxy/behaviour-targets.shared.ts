/** Where packets go and whose are masqueraded: sections 3.2 and 3.3 of the service-proxy reference. */
import type { Questions } from './testing/ask.ts'
import { L, R, l, r, all, allMasq, balanced, external, frontends } from './testing/ask.ts'
import { service, slice } from './testing/objects.ts'

export function askTargets({ table }: Questions): void {
  table('TG-7 ClusterIP, internal Cluster', { services: [service()], slices: [slice({ endpoints: [L, R] })] }, [
    ['pod', '10.96.0.10:80', all],
    ['other-pod', '10.96.0.10:80', all],
    ['node', '10.96.0.10:80', allMasq],
    ['outside', '10.96.0.10:80', allMasq],
  ])

  table(
    'TG-8 ClusterIP, internal Local',
    { services: [service({ internalTrafficPolicy: 'Local' })], slices: [slice({ endpoints: [L, R] })] },
    [
      ['pod', '10.96.0.10:80', l],
      ['node', '10.96.0.10:80', `${l}*`],
      ['outside', '10.96.0.10:80', `${l}*`],
    ],
  )

  table(
    'TG-9 external frontends, external Cluster',
    { services: [service(external)], slices: [slice({ endpoints: [L, R] })] },
    frontends.flatMap((to) => (['pod', 'node', 'outside'] as const).map((from) => [from, to, allMasq] as const)),
  )

  table(
    'TG-10 external frontends, external Local',
    {
      services: [service({ ...external, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })],
      slices: [slice({ endpoints: [L, R] })],
    },
    frontends.flatMap((to) => [['pod', to, all] as const, ['node', to, allMasq] as const, ['outside', to, l] as const]),
  )

  table('TG-11 hairpin', { services: [service(external)], slices: [slice({ endpoints: [L, R] })] }, [
    [{ pod: '10.244.1.1' }, '10.96.0.10:80', `${l}* ${r}`],
  ])
  table(
    'TG-18 hairpin of an endpoint elsewhere',
    { services: [service(external)], slices: [slice({ endpoints: [L, R] })] },
    [[{ pod: '10.244.2.1' }, '10.96.0.10:80', `${l} ${r}*`]],
  )

  table(
    'TG-12 no local detector',
    {
      services: [service({ ...balanced, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })],
      slices: [slice({ endpoints: [L, R] })],
      config: { clusterCIDRs: [] },
    },
    [
      ['pod', '10.96.0.10:80', all],
      ['outside', '10.96.0.10:80', all],
      ['pod', '198.51.100.7:80', l],
      ['node', '198.51.100.7:80', allMasq],
    ],
  )

  table(
    'TG-13 masqueradeAll',
    { services: [service(external)], slices: [slice({ endpoints: [L, R] })], config: { masqueradeAll: true } },
    [
      ['pod', '10.96.0.10:80', allMasq],
      ['outside', '203.0.113.9:80', allMasq],
    ],
  )

  const localOnly = {
    services: [service({ ...external, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })],
    slices: [slice({ endpoints: [L, R] })],
  } as const
  table(
    'TG-15 detector NodeCIDR: a pod of another node is outside',
    { ...localOnly, config: { detectLocalMode: 'NodeCIDR' } },
    [
      ['pod', '198.51.100.7:80', all],
      ['other-pod', '198.51.100.7:80', l],
    ],
  )
  table(
    'OP-22 detector BridgeInterface',
    { ...localOnly, config: { detectLocalMode: 'BridgeInterface', bridgeInterface: 'veth0' } },
    [
      ['pod', '198.51.100.7:80', all],
      ['outside', '198.51.100.7:80', l],
      ['pod', '10.96.0.10:80', all],
      ['outside', '10.96.0.10:80', allMasq],
      ['node', '10.96.0.10:80', allMasq],
    ],
  )
  table(
    'OP-22 detector InterfaceNamePrefix',
    { ...localOnly, config: { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'veth' } },
    [
      ['pod', '198.51.100.7:80', all],
      ['outside', '198.51.100.7:80', l],
    ],
  )

  table(
    'TG-20 source ranges guard VIPs alone, for pods too',
    {
      services: [service({ ...external, loadBalancerSourceRanges: [' 203.0.113.0/24 '] })],
      slices: [slice({ endpoints: [L] })],
    },
    [
      ['outside', '198.51.100.7:80', `${l}*`],
      [{ outside: '192.0.2.1' }, '198.51.100.7:80', 'DROP'],
      [{ outside: '192.0.2.1' }, '203.0.113.9:80', `${l}*`],
      [{ outside: '192.0.2.1' }, '172.18.0.11:30080', `${l}*`],
      ['pod', '198.51.100.7:80', 'DROP'],
      ['pod', '10.96.0.10:80', l],
    ],
  )

  table(
    'TG-22 a range that holds the node lets the VIP be its own source',
    {
      services: [service({ ...balanced, loadBalancerSourceRanges: ['172.18.0.0/24'] })],
      slices: [slice({ endpoints: [L] })],
    },
    [
      ['node', '198.51.100.7:80', `${l}*`],
      [{ outside: '198.51.100.7' }, '198.51.100.7:80', `${l}*`],
      [{ outside: '198.51.100.8' }, '198.51.100.7:80', 'DROP'],
    ],
  )

  table(
    'CC-51 a /0 among the ranges opens the family',
    {
      services: [service({ ...balanced, loadBalancerSourceRanges: ['10.0.0.0/8', '0.0.0.0/0'] })],
      slices: [slice({ endpoints: [L] })],
    },
    [[{ outside: '192.0.2.1' }, '198.51.100.7:80', `${l}*`]],
  )

  table(
    'CC-52 ranges of the other family do not restrict',
    {
      services: [service({ ...balanced, loadBalancerSourceRanges: ['fd00::/8'] })],
      slices: [slice({ endpoints: [L] })],
    },
    [[{ outside: '192.0.2.1' }, '198.51.100.7:80', `${l}*`]],
  )

  table(
    'CC-54 source ranges and no endpoint: REJECT inside and outside the ranges',
    { services: [service({ ...balanced, loadBalancerSourceRanges: ['203.0.113.0/24'] })] },
    [
      ['outside', '198.51.100.7:80', 'REJECT'],
      [{ outside: '192.0.2.1' }, '198.51.100.7:80', 'REJECT'],
    ],
  )

  table(
    'CC-55 ipMode Proxy and host names make no rule',
    {
      services: [service({ ...balanced, vips: [{ ip: '198.51.100.7', ipMode: 'Proxy' }, { hostname: 'lb.example' }] })],
      slices: [slice({ endpoints: [L] })],
    },
    [['pod', '198.51.100.7:80', 'untouched']],
  )
}
