import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { defaultService } from '../defaults/default-service.ts'
import type { Service } from '../service.ts'
import { validateServiceUpdate } from './service-update.ts'

const V4 = '10.96.0.9'
const V6 = 'fd00:10:96::9'
const SINGLE = { clusterIP: V4, clusterIPs: [V4], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
const DUAL = { clusterIP: V4, clusterIPs: [V4, V6], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' }
const HEADLESS = { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
const LOCAL = { ...SINGLE, type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30500 }

function service(spec: object): Service {
  return defaultService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { ports: [{ port: 80 }], ...spec },
  } as Service)
}

const rows: readonly (readonly [string, object, object, readonly string[]])[] = [
  ['nothing changed', DUAL, DUAL, []],
  [
    'spec.clusterIPs: primary',
    SINGLE,
    { ...SINGLE, clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] },
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'],
  ],
  [
    'spec.clusterIPs: secondary',
    DUAL,
    { ...DUAL, clusterIPs: [V4, 'fd00::8'] },
    [`spec.clusterIPs[1]: Invalid value: ["${V4}","fd00::8"]: may not change once set`],
  ],
  [
    'spec.clusterIPs: headless to ClusterIP',
    HEADLESS,
    SINGLE,
    [`spec.clusterIPs[0]: Invalid value: ["${V4}"]: may not change once set`],
  ],
  [
    'spec.clusterIPs: ClusterIP to headless',
    SINGLE,
    HEADLESS,
    ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
  ],
  ['spec.clusterIPs: a second one may be added', SINGLE, DUAL, []],
  [
    'spec.ipFamilies: swapped',
    DUAL,
    { ...DUAL, clusterIPs: [V4], ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6', 'IPv4'] },
    [
      'spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set',
      'spec.ipFamilies[1]: Invalid value: ["IPv6","IPv4"]: may not change once set',
      `spec.clusterIPs[0]: Invalid value: "${V4}": expected an IPv6 value as indicated by \`ipFamilies[0]\``,
    ],
  ],
  [
    'spec.ipFamilyPolicy: needed to release the address',
    DUAL,
    { ...DUAL, clusterIPs: [V4] },
    [
      `spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be 'SingleStack' to release the secondary cluster IP`,
    ],
  ],
  [
    'spec.ipFamilyPolicy: needed to release the family',
    DUAL,
    { ...DUAL, ipFamilies: ['IPv4'] },
    [`spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be 'SingleStack' to release the secondary IP family`],
  ],
  ['spec.ipFamilyPolicy: SingleStack alone is enough', DUAL, { ...DUAL, ipFamilyPolicy: 'SingleStack' }, []],
  ['spec.type: to ExternalName', SINGLE, { type: 'ExternalName', externalName: 'a.b' }, []],
  ['spec.type: from ExternalName', { type: 'ExternalName', externalName: 'a.b' }, SINGLE, []],
  [
    'spec.healthCheckNodePort: immutable',
    LOCAL,
    { ...LOCAL, healthCheckNodePort: 30501 },
    ['spec.healthCheckNodePort: Forbidden: field is immutable'],
  ],
  [
    'spec.loadBalancerClass: immutable',
    { ...LOCAL, loadBalancerClass: 'a/b' },
    { ...LOCAL, loadBalancerClass: 'a/c' },
    ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
  ],
  [
    'spec.loadBalancerClass: cannot be unset',
    { ...LOCAL, loadBalancerClass: 'a/b' },
    LOCAL,
    ['spec.loadBalancerClass: Invalid value: null: may not change once set'],
  ],
  [
    'spec.externalIPs: stored form stays valid',
    { ...SINGLE, externalIPs: ['192.0.02.1'] },
    { ...SINGLE, externalIPs: ['192.0.02.1'] },
    [],
  ],
  [
    'spec.externalIPs: new ones are held to the strict form',
    SINGLE,
    { ...SINGLE, externalIPs: ['192.0.02.1'] },
    ['spec.externalIPs[0]: Invalid value: "192.0.02.1": must not have leading 0s'],
  ],
]

describe('validateServiceUpdate (api-server.md 12.3)', () => {
  for (const [name, old, next, expected] of rows) {
    it(name, () => {
      const errors = validateServiceUpdate(service(next), service(old))
      assert.deepEqual(
        errors.map(({ field, message }) => `${field}: ${message}`),
        expected,
      )
    })
  }
})
