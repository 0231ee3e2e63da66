import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { defaultIngressClass } from '../defaults/default-rbac.ts'
import type { IngressClass } from '../networking.ts'
import type { FieldError } from './field-error.ts'
import { validateIngressClass, validateIngressClassUpdate } from './ingress-class.ts'
import { validateIngress, validateIngressUpdate } from './ingress.ts'
import { validateObjectMeta } from './object-meta.ts'
import {
  validateIPAddress,
  validateIPAddressUpdate,
  validateServiceCIDR,
  validateServiceCIDRUpdate,
} from './service-ranges.ts'

function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const service = (change: object = {}): object => ({ service: { name: 'web', port: { number: 80 }, ...change } })
const path = (change: object = {}): object => ({ path: '/', pathType: 'Prefix', backend: service(), ...change })
const rule = (change: object = {}, host?: string): object => ({
  rules: [{ ...(host === undefined ? {} : { host }), http: { paths: [path(change)] } }],
})
const PATH = 'spec.rules[0].http.paths[0]'

describe('validateIngress (api-server.md 14.4)', () => {
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['a rule', rule(), []],
    ['a default backend alone', { defaultBackend: service() }, []],
    ['a resource backend', { defaultBackend: { resource: { kind: 'Bucket', name: 'b', apiGroup: 'x.io' } } }, []],
    ['a wildcard host', rule({}, '*.example.com'), []],
    [
      'neither rules nor default backend',
      {},
      ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
    ],
    ['http without paths', { rules: [{ http: { paths: [] } }] }, ['spec.rules[0].http.paths: Required value']],
    [
      'pathType required',
      rule({ pathType: undefined }),
      [`${PATH}.pathType: Required value: pathType must be specified`],
    ],
    [
      'pathType supported',
      rule({ pathType: 'Regex' }),
      [`${PATH}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [
      'Exact: absolute',
      rule({ pathType: 'Exact', path: 'a' }),
      [`${PATH}.path: Invalid value: "a": must be an absolute path`],
    ],
    ['ImplementationSpecific: may be empty', rule({ pathType: 'ImplementationSpecific', path: '' }), []],
    [
      'ImplementationSpecific: else absolute',
      rule({ pathType: 'ImplementationSpecific', path: 'a' }),
      [`${PATH}.path: Invalid value: "a": must be an absolute path`],
    ],
    ...['//', '/./', '/../', '%2f', '%2F'].map(
      (part) =>
        [
          `path without ${part}`,
          rule({ path: `/a${part}b` }),
          [`${PATH}.path: Invalid value: "/a${part}b": must not contain '${part}'`],
        ] as const,
    ),
    ...['/..', '/.'].map(
      (end) =>
        [
          `path does not end in ${end}`,
          rule({ path: `/a${end}` }),
          [`${PATH}.path: Invalid value: "/a${end}": cannot end with '${end}'`],
        ] as const,
    ),
    [
      'backend required',
      rule({ backend: {} }),
      [`${PATH}.backend: Invalid value: "": resource or service backend is required`],
    ],
    [
      'backend: not both',
      rule({ backend: { ...service(), resource: { kind: 'a', name: 'b' } } }),
      [`${PATH}.backend: Invalid value: "": cannot set both resource and service backends`],
    ],
    [
      'service.name required',
      rule({ backend: service({ name: '' }) }),
      [`${PATH}.backend.service.name: Required value`],
    ],
    [
      'port required',
      rule({ backend: service({ port: {} }) }),
      [`${PATH}.backend: Required value: port name or number is required`],
    ],
    [
      'port: not both',
      rule({ backend: service({ port: { name: 'a', number: 1 } }) }),
      [`${PATH}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      'port.number in range',
      rule({ backend: service({ port: { number: 70000 } }) }),
      [`${PATH}.backend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive`],
    ],
    [
      'host: no address',
      rule({}, '10.0.0.1'),
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ],
  ]
  for (const [name, spec, expected] of rows)
    it(name, () => assert.deepEqual(texts(validateIngress({ spec })), expected))

  it('host: a wildcard is the first label and nothing else', () => {
    for (const host of ['*', 'a.*.com', '*a.com']) {
      assert.match(texts(validateIngress({ spec: rule({}, host) })).join(), /a wildcard DNS-1123 subdomain must start/)
    }
    assert.match(texts(validateIngress({ spec: rule({}, 'A.com') })).join(), /a lowercase RFC 1123 subdomain/)
  })

  it('tls: hosts and secret name', () => {
    const spec = { ...rule(), tls: [{ hosts: ['ok.com', '*.ok.com', 'A'], secretName: 'B' }] }
    assert.deepEqual(
      validateIngress({ spec }).map(({ field }) => field),
      ['spec.tls[0].hosts[2]', 'spec.tls[0].secretName'],
    )
  })

  it('annotation and ingressClassName agree on create, and are left alone on update', () => {
    const metadata = { annotations: { 'kubernetes.io/ingress.class': 'a' } }
    const ingress = { metadata, spec: { ...rule(), ingressClassName: 'b' } }
    assert.deepEqual(texts(validateIngress(ingress)), [
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ])
    assert.deepEqual(validateIngressUpdate(ingress), [])
    assert.deepEqual(validateIngress({ metadata, spec: { ...rule(), ingressClassName: 'a' } }), [])
  })
})

describe('validateIngressClass (api-server.md 14.4)', () => {
  const parameters = (change: object): object => ({
    controller: 'a.io/b',
    parameters: { kind: 'K', name: 'n', ...change },
  })
  const rows: readonly (readonly [string, object, readonly string[]])[] = [
    ['valid', { controller: 'acme.io/foo/bar' }, []],
    ['controller required', {}, ['spec.controller: Required value']],
    [
      'controller: domain and path',
      { controller: 'foo' },
      ['spec.controller: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'controller: at most 250 characters',
      { controller: `a.io/${'x'.repeat(250)}` },
      ['spec.controller: Too long: may not be more than 250 bytes'],
    ],
    ['scope Cluster', parameters({ scope: 'Cluster' }), []],
    ['scope Namespace', parameters({ scope: 'Namespace', namespace: 'a' }), []],
    [
      'scope Cluster: no namespace',
      parameters({ scope: 'Cluster', namespace: 'a' }),
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
    [
      'scope Namespace: namespace',
      parameters({ scope: 'Namespace' }),
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
    [
      'scope supported',
      parameters({ scope: 'Node' }),
      ['spec.parameters.scope: Unsupported value: "Node": supported values: "Cluster", "Namespace"'],
    ],
  ]
  for (const [name, spec, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateIngressClass({ spec })), expected))
  }

  it('controller is immutable', () => {
    const of = (controller: string): object => ({ spec: { controller } })
    assert.deepEqual(texts(validateIngressClassUpdate(of('a.io/b'), of('a.io/c'))), [
      'spec.controller: Invalid value: "a.io/b": field is immutable',
    ])
    assert.deepEqual(validateIngressClassUpdate(of('a.io/b'), of('a.io/b')), [])
  })

  it('parameters.scope defaults to Cluster', () => {
    const made = defaultIngressClass({ spec: parameters({}) } as IngressClass)
    assert.equal(made.spec?.parameters?.scope, 'Cluster')
  })
})

describe('validateServiceCIDR (api-server.md 13)', () => {
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['one range', ['10.0.0.0/24'], []],
    ['one of each family', ['10.0.0.0/24', 'fd00::/112'], []],
    ['none', [], ['spec.cidrs: Required value: at least one CIDR required']],
    [
      'three',
      ['10.0.0.0/24', 'fd00::/112', '10.1.0.0/24'],
      ['spec.cidrs: Invalid value: ["10.0.0.0/24","fd00::/112","10.1.0.0/24"]: may only hold up to 2 values'],
    ],
    [
      'no host bits',
      ['10.0.0.1/24'],
      [
        'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length (you may have meant 10.0.0.0/24)',
      ],
    ],
    [
      'IPv6 not wider than /64',
      ['fd00::/48'],
      ['spec.cidrs[0]: Invalid value: "fd00::/48": the prefix length of an IPv6 range must be at least 64'],
    ],
  ]
  for (const [name, cidrs, expected] of rows) {
    it(name, () => assert.deepEqual(texts(validateServiceCIDR({ spec: { cidrs } })), expected))
  }

  it('two of one family', () => {
    assert.match(
      texts(validateServiceCIDR({ spec: { cidrs: ['10.0.0.0/24', '10.1.0.0/24'] } })).join(),
      /no more than one IP for each IP family/,
    )
  })

  it('cidrs are immutable, except that a second family may be added', () => {
    const of = (...cidrs: string[]): object => ({ spec: { cidrs } })
    assert.deepEqual(validateServiceCIDRUpdate(of('10.0.0.0/24', 'fd00::/112'), of('10.0.0.0/24')), [])
    for (const [now, before] of [
      [of('10.0.0.0/24'), of('10.0.0.0/24', 'fd00::/112')],
      [of('10.1.0.0/24'), of('10.0.0.0/24')],
      [of('fd00::/112', '10.0.0.0/24'), of('10.0.0.0/24')],
    ]) {
      assert.match(texts(validateServiceCIDRUpdate(now, before)).join(), /^spec.cidrs: .*field is immutable$/)
    }
  })
})

describe('validateIPAddress (api-server.md 13)', () => {
  const of = (parentRef?: object): object => ({ spec: parentRef === undefined ? {} : { parentRef } })
  const parent = { resource: 'services', namespace: 'a', name: 'b' }

  it('parentRef, its resource and its name are required', () => {
    assert.deepEqual(validateIPAddress(of(parent)), [])
    assert.deepEqual(texts(validateIPAddress(of())), ['spec.parentRef: Required value'])
    assert.deepEqual(texts(validateIPAddress(of({}))), [
      'spec.parentRef.resource: Required value',
      'spec.parentRef.name: Required value',
    ])
  })

  it('spec is immutable', () => {
    assert.deepEqual(validateIPAddressUpdate(of(parent), of(parent)), [])
    assert.match(texts(validateIPAddressUpdate(of({ ...parent, name: 'c' }), of(parent))).join(), /field is immutable/)
  })

  it('the name is an address in canonical form', () => {
    const rules = { namespaced: false, nameRule: 'address' } as const
    assert.deepEqual(validateObjectMeta({ name: 'fd00::1' }, rules), [])
    assert.deepEqual(validateObjectMeta({ name: '10.0.0.1' }, rules), [])
    assert.match(
      texts(validateObjectMeta({ name: 'fd00:0::1' }, rules)).join(),
      /must be in canonical form \("fd00::1"\)/,
    )
    assert.match(texts(validateObjectMeta({ name: 'web' }, rules)).join(), /must be a valid IP address/)
  })
})
