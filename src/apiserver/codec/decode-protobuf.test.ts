import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { MESSAGES, schemaNamed } from '../schema/index.ts'
import { decode, kindOf, objectOf, PROTOBUF, refusalOf } from './decode-fixture.shared.ts'
import { encodeEnvelope } from './encode-protobuf.shared.ts'
import { decodeDeleteOptions } from './index.ts'

describe('decodeBody: protobuf (api-server.md 2.2)', () => {
  // Bodies that kubectl 1.32.5 sent.
  const recorded: readonly (readonly [string, string, string, object])[] = [
    [
      'create configmap --from-file',
      'configmaps',
      'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEicKEgoCcGISABoAIgAqADIAOABCABoRCgVmLmJpbhIIPa+BPgcEEqEaACIA',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pb' }, binaryData: { 'f.bin': 'Pa+BPgcEEqE=' } },
    ],
    [
      'create service externalname',
      'services',
      'azhzAAoNCgJ2MRIHU2VydmljZRJaCh0KAnBlEgAaACIAKgAyADgAQgBaCQoDYXBwEgJwZRI1EgkKA2FwcBICcGUaACIMRXh0ZXJuYWxOYW1lOgBCAFIOZGIuZXhhbXBsZS5jb21aAGAAaAAaAgoAGgAiAA==',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'pe', labels: { app: 'pe' } },
        spec: { selector: { app: 'pe' }, type: 'ExternalName', externalName: 'db.example.com' },
        status: { loadBalancer: {} },
      },
    ],
    [
      'create secret generic',
      'secrets',
      'azhzAAoMCgJ2MRIGU2VjcmV0Eh4KEgoCcHMSABoAIgAqADIAOABCABIGCgFrEgF2GgAaACIA',
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'ps' }, data: { k: 'dg==' } },
    ],
    [
      'create namespace',
      'namespaces',
      'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhsKEwoDcG5zEgAaACIAKgAyADgAQgASABoCCgAaACIA',
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pns' }, spec: {}, status: {} },
    ],
  ]
  for (const [name, resource, body, expected] of recorded) {
    it(name, () => {
      const result = decode(Buffer.from(body, 'base64'), { type: PROTOBUF, resource })
      assert.deepEqual(objectOf(result), expected)
    })
  }

  const objects: readonly (readonly [string, object])[] = [
    [
      'pods',
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'p',
          creationTimestamp: '2026-01-01T00:00:00Z',
          managedFields: [{ manager: 'm', fieldsV1: { 'f:a': {} } }],
        },
        spec: {
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 0,
          volumes: [
            { name: 'v', emptyDir: {} },
            { name: 'w', configMap: { name: 'c', optional: false } },
          ],
          containers: [
            {
              name: 'c',
              image: 'echo',
              env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: true } } }],
              ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
              readinessProbe: { httpGet: { path: '/', port: 'http', scheme: 'HTTP' }, periodSeconds: 5 },
              resources: { limits: { cpu: '500m' }, requests: { memory: '64Mi' } },
            },
          ],
        },
      },
    ],
    [
      'endpointslices',
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 's', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [
          {
            addresses: ['10.0.0.1'],
            conditions: { ready: false, serving: true, terminating: false },
            hints: { forZones: [{ name: 'z' }] },
          },
        ],
        ports: [{ name: '', port: 0, protocol: 'TCP' }],
      },
    ],
    [
      'leases',
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'l' },
        spec: { holderIdentity: '', leaseTransitions: 0, renewTime: '2026-01-01T00:00:00.250000Z' },
      },
    ],
    [
      'services',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 's', namespace: 'n', generation: 3 },
        spec: {
          allocateLoadBalancerNodePorts: false,
          ports: [
            { port: 80, targetPort: 'web' },
            { name: 'b', port: 81, targetPort: 8081, nodePort: 30081, appProtocol: '' },
          ],
          ipFamilies: ['IPv4', 'IPv6'],
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } },
        },
      },
    ],
  ]
  for (const [resource, object] of objects) {
    it(`${resource}: the same object as from JSON`, () => {
      const body = encodeEnvelope(object as Record<string, unknown>, kindOf(resource).message)
      const fromProtobuf = objectOf(decode(body, { type: PROTOBUF, resource }))
      assert.deepEqual(fromProtobuf, objectOf(decode(JSON.stringify(object), { resource })))
      assert.deepEqual(fromProtobuf, object)
    })
  }

  it('a body without the magic, of another kind, or cut short', () => {
    const pod = Buffer.from(
      encodeEnvelope({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }, kindOf('pods').message),
    )
    assert.match(refusalOf(decode('{}', { type: PROTOBUF })), /expected prefix \[107 56 115 0\]/)
    assert.match(refusalOf(decode(pod, { type: PROTOBUF })), /^400 Pod in version "v1" cannot be handled as a Service/)
    assert.match(refusalOf(decode(pod.subarray(0, -9), { type: PROTOBUF, resource: 'pods' })), /^400 /)
  })

  it('field tables and schemas name the same fields, but for the known splices and renames', () => {
    const known = /localObjectReference|volumeSource|handler|ephemeralContainerCommon|ingressRuleValue|aPIGroup|uID/
    for (const [message, fields] of Object.entries(MESSAGES)) {
      const { properties } = schemaNamed(message.replace(/^k8s\.io\./, 'io.k8s.')) ?? {}
      if (properties === undefined) continue
      for (const field of Object.keys(fields)) {
        assert.ok(Object.hasOwn(properties, field) || known.test(field), `${message}.${field}`)
      }
    }
  })
})

describe('decodeDeleteOptions', () => {
  const read = (body: string, contentType = 'application/json'): unknown =>
    decodeDeleteOptions({ body: Buffer.from(body), contentType })

  it('kubectl, typed clients, nothing', () => {
    assert.deepEqual(read(''), { options: {} })
    assert.deepEqual(read('{"propagationPolicy":"Background"}'), { options: { propagationPolicy: 'Background' } })
    assert.deepEqual(
      read('{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}'),
      {
        options: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, preconditions: { uid: 'u' } },
      },
    )
  })

  it('protobuf', () => {
    const object = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Orphan' }
    const body = encodeEnvelope(object, 'k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions')
    assert.deepEqual(decodeDeleteOptions({ body, contentType: PROTOBUF }), {
      options: { kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Orphan' },
    })
  })

  it('wrong ones are refused', () => {
    for (const body of ['{"gracePeriodSeconds":"x"}', '{"kind":"Pod"}', '[]', '{']) {
      const result = decodeDeleteOptions({ body: Buffer.from(body), contentType: 'application/json' })
      assert.ok('refusal' in result, body)
      assert.equal(result.refusal.code, 400)
    }
  })
})
