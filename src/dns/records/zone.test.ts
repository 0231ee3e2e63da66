/** What the wire does not show: reasons, what is said before everything is listed, and that changes are seen at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clusterIp,
  endpoint,
  externalName,
  FIXTURE_NAMESPACES,
  FIXTURE_SERVICES,
  FIXTURE_SLICES,
  headless,
  HTTP,
  sliceOf,
} from '../testing/fixture-cluster.ts'
import { formatData, nameFromText, rcodeName, typeFromName } from '../wire/index.ts'
import type { ClusterResource } from './reasons.ts'
import type { ZoneResult } from './zone-types.ts'
import type { Zone, ZoneOptions } from './zone.ts'
import { createZone } from './zone.ts'

const OPTIONS: ZoneOptions = {
  zone: 'cluster.local',
  ttl: 30,
  pods: 'insecure',
  endpointPodNames: false,
  ignoreEmptyService: false,
  reverseCidrs: [],
  reverseEverywhere: true,
  ownAddresses: [],
  now: () => 1_700_000_000,
}
const ALL: readonly ClusterResource[] = ['namespaces', 'services', 'endpointslices']

function fixtureZone(options: Partial<ZoneOptions> = {}, synced = ALL): Zone {
  const zone = createZone({ ...OPTIONS, ...options })
  for (const { metadata } of FIXTURE_NAMESPACES) zone.setNamespace(metadata.name, true)
  for (const service of FIXTURE_SERVICES) {
    zone.setService(`${service.metadata.namespace ?? ''}/${service.metadata.name}`, service)
  }
  for (const slice of FIXTURE_SLICES) zone.setSlice(`${slice.metadata.namespace ?? ''}/${slice.metadata.name}`, slice)
  for (const resource of synced) zone.markSynced(resource)
  return zone
}

function ask(zone: Zone, name: string, type = 'A'): ZoneResult {
  const full = name.endsWith('.') ? name : `${name}.svc.cluster.local`
  return zone.lookup({ name: nameFromText(full) ?? ('' as never), type: typeFromName(type) ?? 0, class: 1 })
}

function shown(result: ZoneResult): string {
  if (result.kind === 'pass') return 'pass'
  const data = result.answers.map((record) => formatData(record.data)).sort()
  return data.length > 0 ? data.join(' ') : rcodeName(result.rcode)
}

const reasons: readonly (readonly [string, string, object])[] = [
  ['web.testns', 'A', { code: 'cluster-ip', service: 'testns/web' }],
  ['hdls.testns', 'A', { code: 'headless-endpoints', service: 'testns/hdls' }],
  ['web-0.web.testns', 'A', { code: 'endpoint', service: 'testns/web' }],
  ['ext.testns', 'A', { code: 'external-name', service: 'testns/ext', target: 'www.example.com' }],
  ['web.otherns', 'A', { code: 'no-such-service', service: 'otherns/web', elsewhere: ['testns'] }],
  ['web.nons', 'A', { code: 'no-such-namespace', namespace: 'nons' }],
  ['web.testns', 'AAAA', { code: 'wrong-family', service: 'testns/web', has: 'IPv4' }],
  ['v6only.testns', 'A', { code: 'wrong-family', service: 'testns/v6only', has: 'IPv6' }],
  ['web.testns', 'MX', { code: 'no-record-of-type', service: 'testns/web' }],
  ['noports.testns', 'SRV', { code: 'no-ports', service: 'testns/noports' }],
  [
    '_ftp._tcp.web.testns',
    'SRV',
    { code: 'no-such-port', service: 'testns/web', ports: ['_http._tcp', '_https._tcp'] },
  ],
  ['_ftp._tcp.hdls.testns', 'A', { code: 'no-such-port', service: 'testns/hdls', ports: ['_http._tcp'] }],
  ['hdlsunready.testns', 'A', { code: 'headless-no-ready-endpoint', service: 'testns/hdlsunready', notReady: 1 }],
  ['hdlsempty.testns', 'A', { code: 'headless-no-ready-endpoint', service: 'testns/hdlsempty', notReady: 0 }],
  ['10-1-0-99.hdls.testns', 'A', { code: 'endpoint-not-ready', service: 'testns/hdls', endpoint: '10-1-0-99' }],
  ['nobody.hdls.testns', 'A', { code: 'no-such-endpoint', service: 'testns/hdls', endpoint: 'nobody' }],
  ['foo.ext.testns', 'A', { code: 'external-name-has-no-parts', service: 'testns/ext' }],
  ['extip.testns', 'A', { code: 'external-name-unusable', service: 'testns/extip', externalName: '192.0.2.7' }],
  ['extloop.testns', 'A', { code: 'external-name-loop', service: 'testns/extloop' }],
  ['a.b.c.web.testns', 'A', { code: 'too-many-labels' }],
  ['foo.cluster.local.', 'A', { code: 'not-svc-or-pod', label: 'foo' }],
  ['blah.testns.pod.cluster.local.', 'A', { code: 'pod-name-not-an-address', label: 'blah' }],
  ['1.0.96.10.in-addr.arpa.', 'PTR', { code: 'reverse-cluster-ip', services: ['default/kubernetes'] }],
  ['60.0.1.10.in-addr.arpa.', 'PTR', { code: 'reverse-endpoint', services: ['testns/shareda', 'testns/sharedb'] }],
  ['7.7.7.7.in-addr.arpa.', 'PTR', { code: 'reverse-not-found' }],
  ['www.example.com.', 'A', { code: 'outside-zone' }],
]

const zone = fixtureZone()
for (const [name, type, reason] of reasons) {
  test(`reason: ${name} ${type}`, () => assert.deepEqual(ask(zone, name, type).reason, reason))
}

test('before anything is listed: what is there is answered, nothing is denied (reference section 12)', () => {
  const young = fixtureZone({}, [])
  assert.equal(shown(ask(young, 'web.testns')), '10.96.1.1')
  for (const name of [
    'nothing.testns',
    'web.nons',
    'hdlsempty.testns',
    'nobody.hdls.testns',
    '7.7.7.7.in-addr.arpa.',
  ]) {
    assert.equal(shown(ask(young, name, name.endsWith('arpa.') ? 'PTR' : 'A')), 'SERVFAIL', name)
  }
  assert.equal(shown(ask(young, 'cluster.local.')), 'NOERROR')
  assert.equal(shown(ask(young, 'web.testns', 'AAAA')), 'NOERROR')
  const denied = ask(young, 'nothing.testns')
  assert.ok(denied.kind === 'answer')
  assert.deepEqual(denied.reason, { code: 'not-synced', waitingFor: ['services'] })
  const [soa] = denied.authority
  assert.equal(soa?.data.kind === 'soa' ? soa.data.serial : -1, 0)
})

test('each resource counts for itself', () => {
  const services = fixtureZone({}, ['namespaces', 'services'])
  assert.equal(shown(ask(services, 'nothing.testns')), 'NXDOMAIN')
  assert.equal(shown(ask(services, 'hdlsempty.testns')), 'SERVFAIL')
  assert.equal(shown(ask(services, 'hdls.testns', 'AAAA')), 'fd00:1::5 fd00:1::6')
  assert.equal(shown(ask(services, 'hdlsnoport.testns', 'AAAA')), 'SERVFAIL')
})

test('a change is seen by the next question', () => {
  const live = fixtureZone()
  live.setService('testns/new', clusterIp('new', ['10.96.7.7']))
  assert.equal(shown(ask(live, 'new.testns')), '10.96.7.7')
  assert.equal(shown(ask(live, '7.7.96.10.in-addr.arpa.', 'PTR')), 'new.testns.svc.cluster.local.')
  live.setService('testns/new', clusterIp('new', ['10.96.7.8']))
  assert.equal(shown(ask(live, 'new.testns')), '10.96.7.8')
  assert.equal(shown(ask(live, '7.7.96.10.in-addr.arpa.', 'PTR')), 'pass')
  live.setService('testns/new', headless('new', [HTTP]))
  assert.equal(shown(ask(live, 'new.testns')), 'NXDOMAIN')
  live.setSlice('testns/s', sliceOf({ service: 'new', endpoints: [endpoint('10.1.7.7')], ports: { http: 80 } }))
  assert.equal(shown(ask(live, 'new.testns')), '10.1.7.7')
  live.setSlice('testns/s', sliceOf({ service: 'sss', endpoints: [endpoint('10.1.7.7')], ports: { http: 80 } }))
  assert.equal(shown(ask(live, 'new.testns')), 'NXDOMAIN')
  assert.equal(shown(ask(live, '10-1-7-7.sss.testns')), '10.1.7.7')
  live.setSlice('testns/s', undefined)
  assert.equal(shown(ask(live, '10-1-7-7.sss.testns')), 'NXDOMAIN')
  live.setService('testns/new', externalName('new', 'web.testns.svc.cluster.local'))
  assert.equal(shown(ask(live, 'new.testns')), '10.96.1.1 web.testns.svc.cluster.local.')
  live.setService('testns/new', undefined)
  assert.equal(shown(ask(live, 'new.testns')), 'NXDOMAIN')
  live.setNamespace('testns', false)
  assert.equal(shown(ask(live, 'web.testns')), 'NXDOMAIN')
})

test('an address that is a ClusterIP and an endpoint names the service only', () => {
  const live = fixtureZone()
  live.setSlice('testns/s', sliceOf({ service: 'sss', endpoints: [endpoint('10.96.1.1')] }))
  assert.equal(shown(ask(live, '1.1.96.10.in-addr.arpa.', 'PTR')), 'web.testns.svc.cluster.local.')
})

test('slices may come before their service', () => {
  const live = fixtureZone()
  live.setSlice('testns/s', sliceOf({ service: 'late', endpoints: [endpoint('10.1.8.8')] }))
  assert.equal(shown(ask(live, 'late.testns')), 'NXDOMAIN')
  live.setService('testns/late', headless('late'))
  assert.equal(shown(ask(live, 'late.testns')), '10.1.8.8')
})

test('ExternalName chains end after ten', () => {
  const live = fixtureZone()
  for (let i = 0; i < 12; i++) {
    live.setService(`testns/c${i}`, externalName(`c${i}`, `${i === 11 ? 'web' : `c${i + 1}`}.testns.svc.cluster.local`))
  }
  assert.equal(shown(ask(live, 'c0.testns')), 'NOERROR')
  assert.match(shown(ask(live, 'c2.testns')), /^10\.96\.1\.1 /)
})

test('addresses are canonical whatever the objects say', () => {
  const live = fixtureZone()
  live.setService('testns/odd', clusterIp('odd', ['FD00:10:96:0:0:0:0:00AB']))
  assert.equal(shown(ask(live, 'odd.testns', 'AAAA')), 'fd00:10:96::ab')
  const nibbles = `b.a.${'0.'.repeat(18)}6.9.0.0.0.1.0.0.0.0.d.f`
  assert.equal(shown(ask(live, `${nibbles}.ip6.arpa.`, 'PTR')), 'odd.testns.svc.cluster.local.')
})

test('objects with nonsense in them are no reason to fail', () => {
  const live = fixtureZone()
  live.setService('testns/bad', clusterIp('bad', ['not-an-address']))
  live.setService('testns/badext', externalName('badext', 'a..b'))
  live.setSlice('testns/s', {
    ...sliceOf({ service: 'sss', endpoints: [endpoint('nonsense'), endpoint('10.1.9.9')] }),
    ports: null,
  })
  assert.equal(shown(ask(live, 'bad.testns')), 'NXDOMAIN')
  assert.equal(shown(ask(live, 'badext.testns')), 'NXDOMAIN')
  assert.equal(shown(ask(live, '10-1-9-9.sss.testns')), '10.1.9.9')
})
