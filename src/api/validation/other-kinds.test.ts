import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { defaultPod } from '../defaults/default-pod.ts'
import type { Pod } from '../pod.ts'
import { validateConfigMap, validateConfigMapUpdate, validateSecret, validateSecretUpdate } from './config-data.ts'
import { validateEvent, validateLease } from './event-and-lease.ts'
import type { FieldError } from './field-error.ts'
import { validateNode, validateNodeUpdate } from './node.ts'
import { validatePod, validatePodUpdate } from './pod.ts'

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

function pod(spec: object): Pod {
  const containers = [{ name: 'c', image: 'echo:1' }]
  return defaultPod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers, ...spec } } as Pod)
}

const container = (change: object): object => ({ containers: [{ name: 'c', image: 'echo:1', ...change }] })
const ports = (...list: object[]): object => container({ ports: list })

describe('validatePod (api-server.md 14.5)', () => {
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', {}, []],
    ['spec.containers: required', { containers: [] }, ['spec.containers: Required value']],
    ['spec.containers[i].name: required', container({ name: '' }), ['spec.containers[0].name: Required value']],
    [
      'spec.containers[i].name: unique',
      {
        containers: [
          { name: 'c', image: 'a' },
          { name: 'c', image: 'a' },
        ],
      },
      ['spec.containers[1].name: Duplicate value: "c"'],
    ],
    ['spec.containers[i].image: required', container({ image: '' }), ['spec.containers[0].image: Required value']],
    [
      'spec.containers[i].ports[j].containerPort: range',
      ports({ containerPort: 70000 }),
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'spec.containers[i].ports[j].containerPort: required',
      ports({}),
      ['spec.containers[0].ports[0].containerPort: Required value'],
    ],
    [
      'spec.containers[i].ports[j].name: unique',
      ports({ name: 'a', containerPort: 1 }, { name: 'a', containerPort: 2 }),
      ['spec.containers[0].ports[1].name: Duplicate value: "a"'],
    ],
    [
      'spec.containers[i].ports[j].hostPort: once',
      ports({ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }),
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"'],
    ],
    [
      'spec.containers[i].ports[j].hostPort: host network',
      { hostNetwork: true, ...ports({ containerPort: 80, hostPort: 81 }) },
      [
        'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
      ],
    ],
    [
      'spec.containers[i].env: value or source',
      container({ env: [{ name: 'A', value: 'x', valueFrom: {} }] }),
      ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ],
    [
      'spec.containers[i].readinessProbe: one handler',
      container({ readinessProbe: {} }),
      ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
    ],
    [
      'spec.containers[i].readinessProbe: only one',
      container({ readinessProbe: { tcpSocket: { port: 1 }, exec: { command: ['a'] } } }),
      ['spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
    ],
    [
      'spec.containers[i].livenessProbe: successes',
      container({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      'spec.initContainers[i].restartPolicy',
      { initContainers: [{ name: 'i', image: 'a', restartPolicy: 'Never' }] },
      ['spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'spec.initContainers[i]: no probes unless it stays',
      { initContainers: [{ name: 'i', image: 'a', startupProbe: { tcpSocket: { port: 1 } } }] },
      ['spec.initContainers[0].startupProbe: Forbidden: must not be set for init containers'],
    ],
    [
      'spec.restartPolicy: values',
      { restartPolicy: 'Maybe' },
      ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"'],
    ],
    [
      'spec.dnsConfig: None needs a server',
      { dnsPolicy: 'None' },
      ['spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None'],
    ],
    [
      'spec.terminationGracePeriodSeconds',
      { terminationGracePeriodSeconds: -1 },
      ['spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0'],
    ],
  ]
  for (const [name, spec, expected] of rows) it(name, () => assert.deepEqual(texts(validatePod(pod(spec))), expected))

  it('spec: images, tolerations and a first node may change, nothing else', () => {
    const old = pod({ tolerations: [{ key: 'a' }] })
    assert.deepEqual(validatePodUpdate(pod({ tolerations: [{ key: 'a' }, { key: 'b' }] }), old), [])
    assert.deepEqual(
      validatePodUpdate(pod({ ...container({ image: 'echo:2' }), tolerations: [{ key: 'a' }] }), old),
      [],
    )
    assert.deepEqual(validatePodUpdate(pod({ nodeName: 'n1', tolerations: [{ key: 'a' }] }), old), [])
    assert.deepEqual(validatePodUpdate(pod({}), old)[0]?.field, 'spec.tolerations')
    assert.deepEqual(validatePodUpdate(pod({ nodeName: 'n2' }), pod({ nodeName: 'n1' }))[0]?.field, 'spec')
    assert.deepEqual(validatePodUpdate(pod({ hostname: 'h' }), pod({}))[0]?.reason, 'FieldValueForbidden')
  })
})

describe('validateConfigMap, validateSecret (api-server.md 14.5)', () => {
  const rows: readonly (readonly [string, readonly FieldError[], readonly string[]])[] = [
    ['data: valid', validateConfigMap({ data: { 'a.b-C_1': 'x' }, binaryData: { b: 'AAAA' } }), []],
    ['data: dots', validateConfigMap({ data: { '..': 'x' } }), ['data[..]: Invalid value: "..": must not be \'..\'']],
    [
      'data: in both',
      validateConfigMap({ data: { a: '' }, binaryData: { a: '' } }),
      ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ],
    [
      'data: size',
      validateConfigMap({ data: { a: 'x'.repeat(1024 * 1024 + 1) } }),
      [': Too long: may not be more than 1048576 bytes'],
    ],
    [
      'immutable: data',
      validateConfigMapUpdate({ data: { a: 'y' }, immutable: true }, { data: { a: 'x' }, immutable: true }),
      ['data: Forbidden: field is immutable when `immutable` is set'],
    ],
    [
      'immutable: itself',
      validateConfigMapUpdate({ data: { a: 'x' } }, { data: { a: 'x' }, immutable: true }),
      ['immutable: Forbidden: field is immutable when `immutable` is set'],
    ],
    [
      'tls: both keys',
      validateSecret({ type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }),
      ['data[tls.key]: Required value'],
    ],
    [
      'type: immutable',
      validateSecretUpdate({ type: 'a' }, { type: 'b' }),
      ['type: Invalid value: "a": field is immutable'],
    ],
    ['data: base64', validateSecret({ data: { a: '%' } }), ['data[a]: Invalid value: "<binary>": must be base64']],
  ]
  for (const [name, errors, expected] of rows) it(name, () => assert.deepEqual(texts(errors), expected))
})

describe('validateNode (api-server.md 14.5)', () => {
  const twice = { spec: { podCIDRs: ['10.1.0.0/24', '10.2.0.0/24'] } }
  const rows: readonly (readonly [string, readonly FieldError[], readonly string[]])[] = [
    [
      'spec.podCIDRs: dual-stack',
      validateNode({ spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24', 'fd00::/64'] } }),
      [],
    ],
    [
      'spec.podCIDRs: one of each family',
      validateNode(twice),
      [
        'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one CIDR for each IP family',
      ],
    ],
    [
      'spec.podCIDRs: form',
      validateNode({ spec: { podCIDRs: ['x'] } }),
      ['spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ],
    [
      'spec.podCIDRs: set once',
      validateNodeUpdate({ spec: { podCIDRs: ['10.2.0.0/24'] } }, { spec: { podCIDRs: ['10.1.0.0/24'] } }),
      ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
    ],
    [
      'spec.taints: effect',
      validateNode({ spec: { taints: [{ key: 'a', effect: 'Go' }] } }),
      [
        'spec.taints[0].effect: Unsupported value: "Go": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
      ],
    ],
    [
      'spec.taints: unique',
      validateNode({
        spec: {
          taints: [
            { key: 'a', effect: 'NoExecute' },
            { key: 'a', effect: 'NoExecute' },
          ],
        },
      }),
      ['spec.taints[1]: Duplicate value: "a:NoExecute"'],
    ],
    [
      'status.addresses: unique',
      validateNode({
        status: {
          addresses: [
            { type: 'Hostname', address: 'n' },
            { type: 'Hostname', address: 'n' },
          ],
        },
      }),
      ['status.addresses[1]: Duplicate value: {"type":"Hostname","address":"n"}'],
    ],
  ]
  for (const [name, errors, expected] of rows) it(name, () => assert.deepEqual(texts(errors), expected))
})

describe('validateEvent, validateLease (api-server.md 14.5)', () => {
  const event = (namespace: string, owner: string): object => ({
    metadata: { namespace },
    involvedObject: { namespace: owner },
  })
  const rows: readonly (readonly [string, readonly FieldError[], readonly string[]])[] = [
    ['involvedObject.namespace: same', validateEvent(event('a', 'a')), []],
    ['involvedObject.namespace: cluster-scoped in default', validateEvent(event('default', '')), []],
    [
      'involvedObject.namespace: other',
      validateEvent(event('a', 'b')),
      ['involvedObject.namespace: Invalid value: "b": does not match event.namespace'],
    ],
    [
      'spec.leaseDurationSeconds: positive',
      validateLease({ spec: { leaseDurationSeconds: 0 } }),
      ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    ],
    [
      'spec.leaseTransitions: not negative',
      validateLease({ spec: { leaseTransitions: -1 } }),
      ['spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'spec.holderIdentity: not empty when given',
      validateLease({ spec: { holderIdentity: '' } }),
      ['spec.holderIdentity: Invalid value: "": must not be empty'],
    ],
  ]
  for (const [name, errors, expected] of rows) it(name, () => assert.deepEqual(texts(errors), expected))
})
