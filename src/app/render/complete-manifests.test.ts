import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseManifests } from '../read-manifests.ts'
import { completeManifests } from './complete-manifests.ts'

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: MyApp}}
spec: {containers: [{name: c, image: signalbox/echo, ports: [{name: web, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {type: NodePort, selector: {app: MyApp}, ports: [{name: http, port: 80, targetPort: web}]}
`

test('what a manifest leaves open is assumed, and told', () => {
  const { services, slices, nodes, assumed } = completeManifests(parseManifests(manifest, 'm.yaml'), 'n1')
  assert.equal(services[0]?.spec.clusterIP, '10.96.1.1')
  assert.equal(services[0]?.spec.ports?.[0]?.nodePort, 30_086)
  assert.deepEqual(slices[0]?.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }])
  assert.deepEqual(
    slices[0]?.endpoints?.map(({ addresses }) => addresses),
    [['10.244.1.2']],
  )
  assert.equal(nodes[0]?.metadata.name, 'n1')
  assert.equal(assumed.length, 5)
})

test('objects that say it themselves are left as they are', () => {
  const saved = parseManifests(
    `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: n1}}
- apiVersion: v1
  kind: Service
  metadata: {name: s, namespace: x}
  spec: {clusterIP: 10.96.7.7, clusterIPs: [10.96.7.7], selector: {a: b}, ports: [{port: 80}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: s-1, namespace: x, labels: {kubernetes.io/service-name: s}}
  addressType: IPv4
  endpoints: []
`,
    'saved.yaml',
  )
  const { services, slices, assumed } = completeManifests(saved, 'n1')
  assert.deepEqual(assumed, [])
  assert.equal(slices.length, 1)
  assert.equal(services[0]?.spec.clusterIP, '10.96.7.7')
})
