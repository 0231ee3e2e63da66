/** Protocols, node ports and their addresses, families: sections 3.4, 11.2 and 11.3. */
import type { Questions } from './testing/ask.ts'
import { L, R, allMasq, nodePort } from './testing/ask.ts'
import { here, service, slice, there } from './testing/objects.ts'

export function askPorts({ table }: Questions): void {
  const threeProtocols = {
    services: [
      service({
        ports: [
          { name: 't', port: 53 },
          { name: 'u', port: 53, protocol: 'UDP' },
          { name: 's', port: 53, protocol: 'SCTP' },
        ],
      }),
      service({ name: 'other', clusterIP: '10.96.0.11', ports: [{ port: 80 }] }),
    ],
    slices: [
      slice({
        endpoints: [L],
        ports: [
          { name: 't', protocol: 'TCP', port: 5301 },
          { name: 'u', protocol: 'UDP', port: 5302 },
          { name: 's', protocol: 'SCTP', port: 5303 },
        ],
      }),
      slice({ service: 'other', endpoints: [R] }),
    ],
  } as const
  table('CC-35 one port number, three protocols', threeProtocols, [
    ['pod', '10.96.0.10:53/TCP', '10.244.1.1:5301'],
    ['pod', '10.96.0.10:53/UDP', '10.244.1.1:5302'],
    ['pod', '10.96.0.10:53/SCTP', '10.244.1.1:5303'],
  ])
  table('CC-36 another protocol or port of a ClusterIP', threeProtocols, [
    ['pod', '10.96.0.11:80/UDP', 'untouched'],
    ['pod', '10.96.0.11:53', 'untouched'],
    ['pod', '10.96.0.99:80', 'untouched'],
  ])

  const onNodePort = { services: [service(nodePort)], slices: [slice({ endpoints: [L, R] })] }
  table('CC-64 node port on loopback', onNodePort, [['loopback', '127.0.0.1:30080', allMasq]])
  table('CC-65 localhostNodePorts off', { ...onNodePort, config: { localhostNodePorts: false } }, [
    ['loopback', '127.0.0.1:30080', 'untouched'],
    ['outside', '172.18.0.11:30080', allMasq],
  ])
  table(
    'CC-66 loopback listed without localhostNodePorts',
    { ...onNodePort, config: { localhostNodePorts: false, nodePortAddresses: ['127.0.0.0/8'] } },
    [
      ['loopback', '127.0.0.1:30080', 'untouched'],
      ['outside', '172.18.0.11:30080', 'untouched'],
    ],
  )
  table(
    'CC-68 only listed node addresses answer',
    { ...onNodePort, config: { nodePortAddresses: ['172.18.0.0/24'] } },
    [
      ['outside', '172.18.0.11:30080', allMasq],
      ['outside', '192.168.9.9:30080', 'untouched'],
    ],
  )
  table('TG-26 nodePortAddresses primary', { ...onNodePort, config: { nodePortAddresses: ['primary'] } }, [
    ['outside', '172.18.0.11:30080', allMasq],
    ['outside', '192.168.9.9:30080', 'untouched'],
  ])

  const six = {
    family: 'IPv6',
    services: [service({ ...nodePort, clusterIPs: ['10.96.0.10', 'fd00:10:96::10'] })],
    slices: [slice({ addressType: 'IPv6', endpoints: [here('fd00:10:244:1::1'), there('fd00:10:244:2::1')] })],
  } as const
  const sixAll = '[fd00:10:244:1::1]:8080* [fd00:10:244:2::1]:8080*'
  table('CC-67 IPv6: node ports answer, but never on ::1', six, [
    ['pod', '[fd00:10:96::10]:80', '[fd00:10:244:1::1]:8080 [fd00:10:244:2::1]:8080'],
    ['outside', '[fd00:172:18::11]:30080', sixAll],
    ['loopback', '[::1]:30080', 'untouched'],
  ])
  table('CC-60 endpoints of one family only: the other one rejects', { ...six, slices: [slice({ endpoints: [L] })] }, [
    ['pod', '[fd00:10:96::10]:80', 'REJECT'],
  ])
}
