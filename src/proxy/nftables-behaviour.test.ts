import { evaluateProgram } from '#backends/nftables'
import { behaviourSuite } from './behaviour.shared.ts'
import { renderNftablesProgram } from './render-cluster.ts'
import type { ModeUnderTest } from './testing/ask.ts'
import { all, allMasq, balanced, createQuestions, external, frontends, l, L, nodePort, r, R } from './testing/ask.ts'
import { here, service, slice, there } from './testing/objects.ts'

const nftables: ModeUnderTest = {
  mode: 'nftables',
  evaluate: ({ packet, host, ...cluster }) => evaluateProgram(renderNftablesProgram(cluster), packet, host),
  skip: [
    { id: 'TG-18', reason: 'only hairpins of endpoints on this node are masqueraded; asked below' },
    { id: 'EP-20', reason: 'node processes are refused here too; asked below as CC-77' },
    { id: 'CC-36', reason: 'what no service has on a cluster IP is refused; asked below' },
    { id: 'CC-54', reason: 'source ranges are asked before endpoints; asked below' },
    { id: 'CC-64', reason: 'node ports never answer on loopback (TG-29); asked below' },
  ],
}

behaviourSuite(nftables)

const { table } = createQuestions({ ...nftables, skip: [] })
const both = { services: [service(external)], slices: [slice({ endpoints: [L, R] })] }

table('TG-18 CC-32 an endpoint elsewhere, or nowhere known, that reaches itself keeps its address', both, [
  [{ pod: '10.244.2.1' }, '10.96.0.10:80', all],
])

table('TG-19 a hairpin through every frontend', { ...both, config: { clusterCIDRs: [] } }, [
  [{ pod: '10.244.1.1' }, '10.96.0.10:80', `${l}* ${r}`],
  [{ pod: '10.244.1.1' }, '198.51.100.7:80', allMasq],
])

table('CC-77 EP-20 no endpoint: REJECT for this node too', { services: [service(external)] }, [
  ...frontends.map((to) => ['node', to, 'REJECT'] as const),
  ['node', '10.96.0.10:80', 'REJECT'],
])

const serviceCIDRs = ['10.96.0.0/16']
table(
  'NFT-9 CC-36 CC-37 CC-38 what no service has on a cluster IP is refused, an address that none has is dropped',
  {
    services: [
      service({ ports: [{ name: 't', port: 53 }] }),
      service({ name: 'other', clusterIP: '10.96.0.11', ports: [{ port: 80 }] }),
    ],
    slices: [slice({ service: 'other', endpoints: [L] })],
    config: { serviceCIDRs },
  },
  [
    ['pod', '10.96.0.11:80', l],
    ['pod', '10.96.0.11:80/UDP', 'REJECT'],
    ['pod', '10.96.0.11:53', 'REJECT'],
    ['outside', '10.96.0.11:81', 'REJECT'],
    ['node', '10.96.0.11:81', 'REJECT'],
    ['pod', '10.96.0.11:0/ICMP', 'REJECT'],
    ['pod', '10.96.0.99:80', 'DROP'],
    ['node', '10.96.0.99:80', 'DROP'],
    ['pod', '203.0.113.77:80', 'untouched'],
  ],
)

table(
  'NFT-10 a Local policy without a local endpoint drops, although the rest of the address is refused',
  {
    services: [service({ internalTrafficPolicy: 'Local' })],
    slices: [slice({ endpoints: [R] })],
    config: { serviceCIDRs },
  },
  [
    ['pod', '10.96.0.10:80', 'DROP'],
    ['pod', '10.96.0.10:81', 'REJECT'],
  ],
)

table(
  'CC-54 TG-23 source ranges without endpoints: REJECT inside, DROP outside',
  { services: [service({ ...balanced, loadBalancerSourceRanges: ['203.0.113.0/24'] })] },
  [
    ['outside', '198.51.100.7:80', 'REJECT'],
    [{ outside: '192.0.2.1' }, '198.51.100.7:80', 'DROP'],
    [{ outside: '192.0.2.1' }, '172.18.0.11:30080', 'REJECT'],
  ],
)

const onNodePort = { services: [service(nodePort)], slices: [slice({ endpoints: [L, R] })] }
table('CC-64 TG-29 a node port does not answer on loopback', onNodePort, [
  ['loopback', '127.0.0.1:30080', 'untouched'],
  ['outside', '192.168.9.9:30080', allMasq],
])
table(
  'TG-31 an address that node ports are not accepted on refuses nothing either',
  { services: [service(nodePort)], config: { nodePortAddresses: ['primary'] } },
  [
    ['outside', '172.18.0.11:30080', 'REJECT'],
    ['outside', '192.168.9.9:30080', 'untouched'],
  ],
)

const sticky = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } } as const
table(
  'TG-32 affinity: a client in no set may go anywhere, through every frontend',
  { services: [service({ ...external, ...sticky })], slices: [slice({ endpoints: [L, R] })] },
  [
    ['pod', '10.96.0.10:80', all],
    ['node', '10.96.0.10:80', allMasq],
    ...frontends.map((to) => ['outside', to, allMasq] as const),
    [{ pod: '10.244.1.1' }, '10.96.0.10:80', `${l}* ${r}`],
  ],
)
table(
  'CC-88 affinity with external Local: two lists, the same endpoints',
  {
    services: [service({ ...external, ...sticky, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })],
    slices: [slice({ endpoints: [L, R] })],
  },
  frontends.flatMap((to) => [['pod', to, all] as const, ['node', to, allMasq] as const, ['outside', to, l] as const]),
)
table(
  'EP-17 affinity with external Local and no local endpoint',
  {
    services: [service({ ...external, ...sticky, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })],
    slices: [slice({ endpoints: [R] })],
  },
  frontends.flatMap((to) => [['pod', to, r] as const, ['outside', to, 'DROP'] as const]),
)

table(
  'CC-58 two services with one external address: the first by name has it, whatever the order',
  {
    services: [
      service({ name: 'zebra', externalIPs: ['203.0.113.9'] }),
      service({ name: 'ant', clusterIP: '10.96.0.11', externalIPs: ['203.0.113.9'] }),
    ],
    slices: [slice({ service: 'zebra', endpoints: [L] }), slice({ service: 'ant', endpoints: [R] })],
  },
  [
    ['outside', '203.0.113.9:80', `${r}*`],
    ['pod', '10.96.0.10:80', l],
    ['pod', '10.96.0.11:80', r],
  ],
)

table(
  'TG-18 one pod behind two services is one hairpin entry',
  {
    services: [service(), service({ name: 'other', clusterIP: '10.96.0.11' })],
    slices: [slice({ endpoints: [L] }), slice({ service: 'other', endpoints: [L] })],
  },
  [
    [{ pod: '10.244.1.1' }, '10.96.0.10:80', `${l}*`],
    [{ pod: '10.244.1.1' }, '10.96.0.11:80', `${l}*`],
  ],
)

table(
  'CC-83 IPv6: both policies Local, only endpoints elsewhere',
  {
    family: 'IPv6',
    services: [
      service({
        ...nodePort,
        clusterIPs: ['fd00:10:96::10'],
        internalTrafficPolicy: 'Local',
        externalTrafficPolicy: 'Local',
      }),
    ],
    slices: [slice({ addressType: 'IPv6', endpoints: [there('fd00:10:244:2::1')] })],
  },
  [
    ['pod', '[fd00:10:96::10]:80', 'DROP'],
    ['outside', '[fd00:172:18::11]:30080', 'DROP'],
    ['pod', '[fd00:172:18::11]:30080', '[fd00:10:244:2::1]:8080'],
  ],
)
table(
  'IPv6: source ranges and hairpins',
  {
    family: 'IPv6',
    services: [
      service({
        ...balanced,
        clusterIPs: ['fd00:10:96::10'],
        vips: ['fd00:198::7'],
        loadBalancerSourceRanges: ['fd00:203::/32'],
      }),
    ],
    slices: [slice({ addressType: 'IPv6', endpoints: [here('fd00:10:244:1::1')] })],
  },
  [
    ['outside', '[fd00:198::7]:80', '[fd00:10:244:1::1]:8080*'],
    [{ outside: 'fd00:999::1' }, '[fd00:198::7]:80', 'DROP'],
    [{ pod: 'fd00:10:244:1::1' }, '[fd00:10:96::10]:80', '[fd00:10:244:1::1]:8080*'],
  ],
)
