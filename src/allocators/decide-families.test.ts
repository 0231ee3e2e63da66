import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Family } from '#lib'
import type { Service } from '#api'
import type { ClusterFamilies } from './decide-families.ts'
import { decideFamilies } from './decide-families.ts'

const DUAL = { configured: new Set<Family>(['IPv4', 'IPv6']), preferred: 'IPv4' as const }
const DUAL6 = { configured: new Set<Family>(['IPv4', 'IPv6']), preferred: 'IPv6' as const }
const V4 = { configured: new Set<Family>(['IPv4']), preferred: 'IPv4' as const }

const A = '10.96.0.9'
const B = 'fd00:10:96::9'

function service(spec: object): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { type: 'ClusterIP', selector: { a: 'b' }, ...spec },
  } as Service
}

const both = (first: string, second: string): object => ({ clusterIP: first, clusterIPs: [first, second] })
const one = (first: string): object => ({ clusterIP: first, clusterIPs: [first] })
const BARE = { clusterIP: 'None', clusterIPs: ['None'], selector: {} }
const HEADLESS = { clusterIP: 'None', clusterIPs: ['None'] }

type Expected = readonly [string | undefined, readonly string[] | undefined] | string

const rows: readonly (readonly [string, ClusterFamilies, object, object | undefined, Expected])[] = [
  ['rule 1: nothing asked', DUAL, {}, undefined, ['SingleStack', ['IPv4']]],
  [
    'rule 1: old policy is kept',
    DUAL,
    { ...both(A, B), ipFamilies: ['IPv4', 'IPv6'] },
    { ...both(A, B), ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    ['RequireDualStack', ['IPv4', 'IPv6']],
  ],
  ['rule 1: headless without selector', DUAL, BARE, undefined, ['RequireDualStack', ['IPv4', 'IPv6']]],
  ['rule 1: headless with selector', DUAL, HEADLESS, undefined, ['SingleStack', ['IPv4']]],
  [
    'rule 2: two IPs',
    DUAL,
    both(A, B),
    undefined,
    "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
  ],
  [
    'rule 2: two families',
    DUAL,
    { ipFamilies: ['IPv4', 'IPv6'] },
    undefined,
    "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
  ],
  ['rule 3: family from the IP', DUAL, one(B), undefined, ['SingleStack', ['IPv6']]],
  [
    'rule 3: family of the IP is not there',
    V4,
    one(B),
    undefined,
    `spec.clusterIPs[0]: Invalid value: ["${B}"]: IPv6 is not configured on this cluster`,
  ],
  [
    'rule 3: family is not there',
    V4,
    { ipFamilies: ['IPv6'] },
    undefined,
    'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  ],
  ['rule 4: dual even on a single-stack cluster', V4, BARE, undefined, ['RequireDualStack', ['IPv4', 'IPv6']]],
  ['rule 4: unless SingleStack', V4, { ...BARE, ipFamilyPolicy: 'SingleStack' }, undefined, ['SingleStack', ['IPv4']]],
  [
    'rule 5: RequireDualStack on single-stack',
    V4,
    { ipFamilyPolicy: 'RequireDualStack' },
    undefined,
    'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
  ],
  ['rule 6: default family of the cluster', DUAL6, {}, undefined, ['SingleStack', ['IPv6']]],
  [
    'rule 6: the other family is appended',
    DUAL6,
    { ipFamilyPolicy: 'PreferDualStack' },
    undefined,
    ['PreferDualStack', ['IPv6', 'IPv4']],
  ],
  [
    'rule 6: asked order stays',
    DUAL,
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
    undefined,
    ['RequireDualStack', ['IPv6', 'IPv4']],
  ],
  [
    'rule 6: PreferDualStack on single-stack',
    V4,
    { ipFamilyPolicy: 'PreferDualStack' },
    undefined,
    ['PreferDualStack', ['IPv4']],
  ],
  [
    'rule 7: not upgraded because the cluster changed',
    DUAL,
    { ...one(A), ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' },
    { ...one(A), ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' },
    ['PreferDualStack', ['IPv4']],
  ],
  [
    'SingleStack drops the second',
    DUAL,
    { ...both(A, B), ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' },
    { ...both(A, B), ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    ['SingleStack', ['IPv4']],
  ],
  [
    'a dropped IP needs SingleStack',
    DUAL,
    { ...one(A), ipFamilies: ['IPv4', 'IPv6'] },
    { ...both(A, B), ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    `spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary cluster IP`,
  ],
  ['ExternalName has none', DUAL, { type: 'ExternalName' }, undefined, [undefined, undefined]],
]

describe('decideFamilies (api-server.md 12.4)', () => {
  for (const [name, cluster, spec, old, expected] of rows) {
    it(name, () => {
      const decision = decideFamilies(service(spec), old === undefined ? undefined : service(old), cluster)
      if (typeof expected === 'string') {
        assert.ok('errors' in decision)
        assert.deepEqual(
          decision.errors.map(({ field, message }) => `${field}: ${message}`),
          [expected],
        )
      } else {
        assert.ok('spec' in decision, JSON.stringify(decision))
        assert.deepEqual([decision.spec.ipFamilyPolicy, decision.spec.ipFamilies], expected)
      }
    })
  }
})
