import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { defaultService } from '../defaults/default-service.ts'
import type { Service } from '../service.ts'
import { serviceWarnings } from './service-warnings.ts'
import { validateServiceStatus } from './service.ts'

const LB = { type: 'LoadBalancer' }

function service(spec: object): Service {
  return defaultService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { ports: [{ port: 80 }], selector: { app: 'web' }, ...spec },
  } as Service)
}

describe('validateServiceStatus (api-server.md 12.2)', () => {
  const withIngress = (spec: object, entry: object): object => ({
    ...service(spec),
    status: { loadBalancer: { ingress: [entry] } },
  })
  const cases: readonly (readonly [string, object, object, readonly string[]])[] = [
    ['status.loadBalancer.ingress: valid', LB, { ip: '192.0.2.1', ipMode: 'VIP' }, []],
    [
      'status.loadBalancer.ingress: only LoadBalancer',
      {},
      { ip: '192.0.2.1', ipMode: 'VIP' },
      ['status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is LoadBalancer'],
    ],
    [
      'status.loadBalancer.ingress[i].ip',
      LB,
      { ip: 'x', ipMode: 'VIP' },
      [
        `status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`,
      ],
    ],
    [
      'status.loadBalancer.ingress[i].ipMode: required',
      LB,
      { ip: '192.0.2.1' },
      ['status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set'],
    ],
    [
      'status.loadBalancer.ingress[i].ipMode: without ip',
      LB,
      { hostname: 'a.b', ipMode: 'VIP' },
      ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set'],
    ],
    [
      'status.loadBalancer.ingress[i].ipMode: values',
      LB,
      { ip: '192.0.2.1', ipMode: 'Other' },
      ['status.loadBalancer.ingress[0].ipMode: Unsupported value: "Other": supported values: "Proxy", "VIP"'],
    ],
    [
      'status.loadBalancer.ingress[i].hostname: no address',
      LB,
      { hostname: '192.0.2.1' },
      ['status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'],
    ],
  ]
  for (const [name, spec, entry, expected] of cases) {
    it(name, () => {
      const errors = validateServiceStatus(withIngress(spec, entry))
      assert.deepEqual(
        errors.map(({ field, message }) => `${field}: ${message}`),
        expected,
      )
    })
  }
})

describe('serviceWarnings', () => {
  const headless = { clusterIP: 'None', clusterIPs: ['None'] }
  const cases: readonly (readonly [string, object, RegExp | undefined])[] = [
    ['nothing to say', {}, undefined],
    ['externalIPs', { externalIPs: ['192.0.2.1'] }, /externalIPs is deprecated/],
    ['PreferClose', { trafficDistribution: 'PreferClose' }, /use "PreferSameZone"/],
    ['externalName elsewhere', { externalName: 'a.b' }, /externalName is ignored/],
    ['loadBalancerIP on headless', { ...headless, loadBalancerIP: '192.0.2.1' }, /loadBalancerIP is ignored/],
    ['externalIPs on headless', { ...headless, externalIPs: ['192.0.2.1'] }, /externalIPs is ignored/],
    ['sessionAffinity on headless', { ...headless, sessionAffinity: 'ClientIP' }, /SessionAffinity is ignored/],
    ['IPv6 form', { clusterIP: 'fd00::0:1', clusterIPs: ['fd00::0:1'] }, /RFC 5952/],
  ]
  for (const [name, spec, expected] of cases) {
    it(name, () => {
      const warnings = serviceWarnings(service(spec))
      if (expected === undefined) assert.deepEqual(warnings, [])
      else assert.match(warnings.join('\n'), expected)
    })
  }
})
