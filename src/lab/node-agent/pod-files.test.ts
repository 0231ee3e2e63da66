import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Pod, PodSpec } from '#api'

import { hostsFile, podHostname, resolvConf } from './pod-files.ts'

const dns = { address: '10.96.0.10', domain: 'cluster.local' }

function pod(spec: Partial<PodSpec> = {}, name = 'web-1'): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' }, spec: { containers: [], ...spec } }
}

test('ClusterFirst asks the cluster DNS with five dots', () => {
  assert.equal(
    resolvConf(pod(), dns),
    'nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  )
})

test('ClusterFirst in the node network means Default; ClusterFirstWithHostNet does not', () => {
  assert.equal(resolvConf(pod({ hostNetwork: true }), dns), undefined)
  assert.match(resolvConf(pod({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), dns) ?? '', /10\.96\.0\.10/)
})

test('dnsConfig is added, its options win, duplicates go', () => {
  const dnsConfig = {
    nameservers: ['10.96.0.10', '9.9.9.9'],
    searches: ['corp.example', 'svc.cluster.local'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  }
  assert.equal(
    resolvConf(pod({ dnsConfig }), dns),
    'nameserver 10.96.0.10\nnameserver 9.9.9.9\n' +
      'search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:2 edns0\n',
  )
})

test('None has only what dnsConfig says', () => {
  assert.equal(
    resolvConf(pod({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.2.3.4'] } }), dns),
    'nameserver 1.2.3.4\n',
  )
})

test('no value becomes a second line', () => {
  const dnsConfig = { nameservers: ['1.1.1.1\nnameserver 6.6.6.6'], searches: ['a b'] }
  assert.equal(resolvConf(pod({ dnsPolicy: 'None', dnsConfig }), dns), '')
})

test('the hosts file has all addresses, the qualified name of a subdomain first, and the aliases', () => {
  const text = hostsFile(
    pod({ hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '10.0.0.9', hostnames: ['old', 'older'] }] }),
    ['10.244.1.2', 'fd00::2'],
    dns,
  )
  assert.match(text, /^10\.244\.1\.2\tdb-0\.db\.shop\.svc\.cluster\.local\tdb-0$/m)
  assert.match(text, /^fd00::2\tdb-0\.db\.shop/m)
  assert.match(text, /^10\.0\.0\.9\told\tolder$/m)
})

test('a hostname is a label: cut at 63 and never ending in a dash', () => {
  assert.equal(podHostname(pod({}, `${'a'.repeat(62)}-b`)), 'a'.repeat(62))
  assert.equal(podHostname(pod({ hostname: 'db-0' })), 'db-0')
})
