import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { defaultService } from '../defaults/default-service.ts'
import type { Service } from '../service.ts'
import type { FieldError } from './field-error.ts'
import { validateService } from './service.ts'

const ADDRESS_TEXT = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const ONLY_LB = "Forbidden: may only be used when `type` is 'LoadBalancer'"

function service(spec: object, annotations: object = {}): Service {
  const base = { ports: [{ port: 80 }], selector: { app: 'web' } }
  return defaultService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default', annotations },
    spec: { ...base, ...spec },
  } as Service)
}

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const EN = { type: 'ExternalName', externalName: 'db.example.com' }
const LB = { type: 'LoadBalancer' }
const two = (a: object, b: object): object => ({
  ports: [
    { name: 'a', port: 80, ...a },
    { name: 'b', port: 81, ...b },
  ],
})

const rows: readonly (readonly [string, object, readonly string[]])[] = [
  ['spec: valid', {}, []],
  ['spec.ports: required', { ports: [] }, ['spec.ports: Required value']],
  ['spec.ports: not for headless', { ports: [], clusterIP: 'None', clusterIPs: ['None'] }, []],
  ['spec.ports: not for ExternalName', { ...EN, ports: [] }, []],
  [
    'spec.ports[i].name: required when there are several',
    { ports: [{ port: 80 }, { name: 'b', port: 81 }] },
    ['spec.ports[0].name: Required value'],
  ],
  ['spec.ports[i].name: unique', two({ name: 'x' }, { name: 'x' }), ['spec.ports[1].name: Duplicate value: "x"']],
  [
    'spec.ports[i].port: low',
    { ports: [{ port: 0, targetPort: 1 }] },
    ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
  ],
  [
    'spec.ports[i].port: high',
    { ports: [{ port: 65536, targetPort: 1 }] },
    ['spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive'],
  ],
  [
    'spec.ports[i].protocol',
    { ports: [{ port: 80, protocol: 'ICMP' }] },
    ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    'spec.ports[i].targetPort: number',
    { ports: [{ port: 80, targetPort: 70000 }] },
    ['spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
  ],
  [
    'spec.ports[i].targetPort: letters',
    { ports: [{ port: 80, targetPort: '80' }] },
    ['spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)'],
  ],
  [
    'spec.ports[i].targetPort: hyphens',
    { ports: [{ port: 80, targetPort: 'a--b' }] },
    ['spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens'],
  ],
  [
    'spec.ports[i].targetPort: edge',
    { ports: [{ port: 80, targetPort: 'a-' }] },
    ['spec.ports[0].targetPort: Invalid value: "a-": must not begin or end with a hyphen'],
  ],
  [
    'spec.ports[i].targetPort: length',
    { ports: [{ port: 80, targetPort: 'abcdefghijklmnop' }] },
    ['spec.ports[0].targetPort: Invalid value: "abcdefghijklmnop": must be no more than 15 characters'],
  ],
  ['spec.ports[i].appProtocol: qualified', { ports: [{ port: 80, appProtocol: 'kubernetes.io/h2c' }] }, []],
  [
    'spec.ports: (protocol,port) once',
    two({}, { port: 80 }),
    [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  ['spec.ports: one port, two protocols', two({}, { port: 80, protocol: 'UDP' }), []],
  [
    'spec.ports: (protocol,nodePort) once',
    { type: 'NodePort', ...two({ nodePort: 30081 }, { nodePort: 30081 }) },
    ['spec.ports[1].nodePort: Duplicate value: 30081'],
  ],
  [
    'spec.ports[i].nodePort: not for ClusterIP',
    { ports: [{ port: 80, nodePort: 30080 }] },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    'spec.ports[i].port: kubelet port of a load balancer',
    { ...LB, ports: [{ port: 10250 }] },
    ['spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet'],
  ],
  [
    'spec.selector: label value',
    { selector: { a: '-' } },
    [
      `spec.selector: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
  ],
  [
    'spec.sessionAffinity: values',
    { sessionAffinity: 'Cookie' },
    ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
  ],
  [
    'spec.sessionAffinityConfig: 0 seconds',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'spec.sessionAffinityConfig: 86401 seconds',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'spec.sessionAffinityConfig: 86400 seconds',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86400 } } },
    [],
  ],
  [
    'spec.type: values',
    { type: 'Magic' },
    [
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  [
    'spec.clusterIPs: headless NodePort',
    { type: 'NodePort', clusterIP: 'None', clusterIPs: ['None'] },
    [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`],
  ],
  [
    'spec.clusterIPs: headless LoadBalancer',
    { ...LB, clusterIP: 'None', clusterIPs: ['None'] },
    [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for LoadBalancer services`],
  ],
  ['spec.externalName: required', { type: 'ExternalName' }, ['spec.externalName: Required value']],
  ['spec.externalName: one trailing dot', { ...EN, externalName: 'a.b.' }, []],
  ['spec.externalName: an IPv4 text passes', { ...EN, externalName: '1.2.3.4' }, []],
  [
    'spec.clusterIPs: not for ExternalName',
    { ...EN, clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] },
    ['spec.clusterIPs: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'spec.ipFamilies: not for ExternalName',
    { ...EN, ipFamilies: ['IPv4'] },
    ['spec.ipFamilies: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'spec.ipFamilyPolicy: not for ExternalName',
    { ...EN, ipFamilyPolicy: 'SingleStack' },
    ['spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services'],
  ],
  ['spec.sessionAffinity: allowed for ExternalName', { ...EN, sessionAffinity: 'ClientIP' }, []],
  [
    'spec.clusterIPs: match clusterIP',
    { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.8'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`'],
  ],
  [
    'spec.clusterIPs: empty without clusterIP',
    { clusterIPs: ['10.96.0.8'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.8"]: must be empty when `clusterIP` is not specified'],
  ],
  [
    'spec.clusterIPs: at most two',
    { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00::1', 'fd00::2'] },
    [
      'spec.clusterIPs: Invalid value: ["10.96.0.9","fd00::1","fd00::2"]: may only hold up to 2 values',
      'spec.clusterIPs: Invalid value: ["10.96.0.9","fd00::1","fd00::2"]: may specify no more than one IP for each IP family',
    ],
  ],
  [
    'spec.clusterIPs: None stands alone',
    { clusterIP: 'None', clusterIPs: ['None', '10.96.0.9'] },
    [`spec.clusterIPs: Invalid value: ["None","10.96.0.9"]: 'None' must be the first and only value`],
  ],
  [
    'spec.clusterIPs: one of each family',
    { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', '10.96.0.8'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.8"]: may specify no more than one IP for each IP family'],
  ],
  [
    'spec.clusterIPs: address form',
    { clusterIP: 'x', clusterIPs: ['x'] },
    [`spec.clusterIPs[0]: Invalid value: "x": ${ADDRESS_TEXT}`],
  ],
  [
    'spec.clusterIPs: no leading zeros (1.36)',
    { clusterIP: '010.96.0.9', clusterIPs: ['010.96.0.9'] },
    ['spec.clusterIPs[0]: Invalid value: "010.96.0.9": must not have leading 0s'],
  ],
  [
    'spec.clusterIPs: no IPv4-mapped IPv6 (1.36)',
    { clusterIP: '::ffff:10.96.0.9', clusterIPs: ['::ffff:10.96.0.9'] },
    ['spec.clusterIPs[0]: Invalid value: "::ffff:10.96.0.9": must not be an IPv4-mapped IPv6 address'],
  ],
  [
    'spec.clusterIPs: family as told',
    { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv6'] },
    ['spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  ],
  [
    'spec.ipFamilies: values',
    { ipFamilies: ['IPv5'] },
    ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
  ],
  ['spec.ipFamilies: once each', { ipFamilies: ['IPv4', 'IPv4'] }, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']],
  [
    'spec.ipFamilyPolicy: values',
    { ipFamilyPolicy: 'Both' },
    [
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  ],
  [
    'spec.externalIPs: address form',
    { externalIPs: ['1.2.3'] },
    [`spec.externalIPs[0]: Invalid value: "1.2.3": ${ADDRESS_TEXT}`],
  ],
  [
    'spec.externalIPs: loopback',
    { externalIPs: ['127.0.0.1'] },
    ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    'spec.externalIPs: unspecified',
    { externalIPs: ['0.0.0.0'] },
    ['spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)'],
  ],
  [
    'spec.externalIPs: link-local',
    { externalIPs: ['169.254.1.1'] },
    [
      'spec.externalIPs[0]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
  ],
  [
    'spec.externalIPs: link-local multicast',
    { externalIPs: ['ff02::1'] },
    [
      'spec.externalIPs[0]: Invalid value: "ff02::1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/16)',
    ],
  ],
  ['spec.externalIPs: other multicast passes', { externalIPs: ['239.1.1.1'] }, []],
  [
    'spec.loadBalancerSourceRanges: only LoadBalancer',
    { loadBalancerSourceRanges: ['10.0.0.0/8'] },
    [`spec.LoadBalancerSourceRanges: ${ONLY_LB}`],
  ],
  ['spec.loadBalancerSourceRanges: spaces are trimmed', { ...LB, loadBalancerSourceRanges: [' 10.0.0.0/8 '] }, []],
  [
    'spec.loadBalancerSourceRanges: CIDR',
    { ...LB, loadBalancerSourceRanges: ['10.0.0.1'] },
    [
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ],
  ['spec.loadBalancerClass: only LoadBalancer', { loadBalancerClass: 'a/b' }, [`spec.loadBalancerClass: ${ONLY_LB}`]],
  ['spec.loadBalancerIP: anything goes', { loadBalancerIP: 'whatever' }, []],
  [
    'spec.allocateLoadBalancerNodePorts: only LoadBalancer',
    { allocateLoadBalancerNodePorts: true },
    [`spec.allocateLoadBalancerNodePorts: ${ONLY_LB}`],
  ],
  [
    'spec.externalTrafficPolicy: only from outside',
    { externalTrafficPolicy: 'Local' },
    ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
  ],
  ['spec.externalTrafficPolicy: with externalIPs', { externalTrafficPolicy: 'Local', externalIPs: ['192.0.2.1'] }, []],
  [
    'spec.externalTrafficPolicy: values',
    { ...LB, externalTrafficPolicy: 'Near' },
    ['spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
  ],
  [
    'spec.healthCheckNodePort: only LoadBalancer and Local',
    { type: 'NodePort', healthCheckNodePort: 30000 },
    [
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  [
    'spec.healthCheckNodePort: range',
    { ...LB, externalTrafficPolicy: 'Local', healthCheckNodePort: 70000 },
    ['spec.healthCheckNodePort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
  ],
  [
    'spec.internalTrafficPolicy: values',
    { internalTrafficPolicy: 'Near' },
    ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
  ],
  [
    'spec.trafficDistribution: values',
    { trafficDistribution: '' },
    [
      'spec.trafficDistribution: Unsupported value: "": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
  ],
  ['spec.trafficDistribution: same node', { trafficDistribution: 'PreferSameNode' }, []],
  [
    'spec.ports: wrong type',
    { ports: 'x' },
    ['spec.ports: Invalid value: "x": must be a list', 'spec.ports: Required value'],
  ],
]

describe('validateService (api-server.md 12.2)', () => {
  for (const [name, spec, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateService(service(spec))), expected))
  }

  it('metadata.annotations: topology modes must agree', () => {
    const annotations = {
      'service.kubernetes.io/topology-mode': 'Auto',
      'service.kubernetes.io/topology-aware-hints': 'Disabled',
    }
    assert.deepEqual(texts(validateService(service({}, annotations))), [
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ])
  })

  it('metadata.annotations: source ranges are checked like the field', () => {
    const annotations = { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8,x' }
    const field = 'metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]'
    assert.deepEqual(texts(validateService(service({}, annotations))), [
      `${field}: ${ONLY_LB}`,
      `${field}: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
    ])
  })
})
