/**
 * The query table of the DNS reference, section 7, asked over real UDP sockets. Where a row records a defect of the
 * reference server (section 13), the test says so and asks for the right answer.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { askTcp, askUdp, queryPacket, sendUdp } from './testing/dns-client.ts'
import type { Expected } from './testing/expect-reply.ts'
import { check, shown } from './testing/expect-reply.ts'
import type { FakeUpstream } from './testing/fake-upstream.ts'
import { fakeUpstream } from './testing/fake-upstream.ts'
import type { FixtureServer } from './testing/start-fixture.ts'
import { startFixture } from './testing/start-fixture.ts'
import { formatData, nameToText, RCODE, rcodeName } from './wire/index.ts'

const S = 'testns.svc.cluster.local'

type Row = readonly [row: string, name: string, type: string, expected: Expected]

let upstream: FakeUpstream
let server: FixtureServer

before(async () => {
  upstream = await fakeUpstream({
    'www.example.com. A': { addresses: ['192.0.2.1'] },
    'www.example.com.': {},
    'nx.example.com.': { rcode: RCODE.NXDOMAIN },
    'fail.example.com.': { rcode: RCODE.SERVFAIL },
  })
  server = await startFixture({ upstreams: [`127.0.0.1:${upstream.port}`] })
})

after(async () => {
  await server.dns.close()
  await upstream.close()
})

const NODATA: Expected = {}
const NXDOMAIN: Expected = { rcode: 'NXDOMAIN' }
const webSrv = (weight: number, port: number): string => `SRV 0 ${weight} ${port} web.${S}.`
const hdlsSrv = (label: string): string => `SRV 0 14 8080 ${label}.hdls.${S}.`
const hdlsA = [3, 4, 5, 6, 98].map((last) => `A 10.1.0.${last}`)
const hdlsAaaa = ['AAAA fd00:1::5', 'AAAA fd00:1::6']
const sss = (weight: number, port: number): string[] =>
  [0, 1, 2].map((i) => `SRV 0 ${weight} ${port} sss-${i}.sss.${S}.`)
const extWww = ['CNAME www.example.com.', 'A 192.0.2.1']

const rows: readonly Row[] = [
  ['1', `web.${S}`, 'A', { answers: ['A 10.96.1.1'] }],
  ['2', `web.${S}`, 'AAAA', NODATA],
  ['6', `_http._tcp.web.${S}`, 'SRV', { answers: [webSrv(100, 80)], additional: ['A 10.96.1.1'] }],
  ['7', `web.${S}`, 'SRV', { answers: [webSrv(50, 80), webSrv(50, 443)], additional: ['A 10.96.1.1'] }],
  ['8', `unnamed.${S}`, 'SRV', { answers: [`SRV 0 100 80 unnamed.${S}.`], additional: ['A 10.96.1.2'] }],
  ['9', `_http._udp.web.${S}`, 'SRV', NXDOMAIN],
  ['9', `_ftp._tcp.web.${S}`, 'SRV', NXDOMAIN],
  ['10', `_http._tcp.web.${S}`, 'A', { answers: ['A 10.96.1.1'] }],
  ['11', `http.tcp.web.${S}`, 'SRV', { answers: [webSrv(100, 80)], additional: ['A 10.96.1.1'] }],
  ['12', `_._tcp.unnamed.${S}`, 'SRV', { answers: [`SRV 0 100 80 unnamed.${S}.`] }],
  ['13', `_http._tcp.web.${S}`, 'AAAA', NODATA],
  ...['MX', 'TXT', 'HTTPS', 'SOA', 'NS', 'ANY', 'PTR'].map((type): Row => ['14', `web.${S}`, type, NODATA]),
  ['15', `web-0.web.${S}`, 'A', { answers: ['A 10.1.0.1'] }],
  ['16', `10-1-0-2.web.${S}`, 'A', { answers: ['A 10.1.0.2'] }],
  ['17', `web-1-abc.web.${S}`, 'A', NXDOMAIN],
  ['18', `dual.${S}`, 'A', { answers: ['A 10.96.1.3'] }],
  ['18', `dual.${S}`, 'AAAA', { answers: ['AAAA fd00:10:96::3'] }],
  [
    '19',
    `_http._tcp.dual.${S}`,
    'SRV',
    { answers: [`SRV 0 50 80 dual.${S}.`], additional: ['A 10.96.1.3', 'AAAA fd00:10:96::3'] },
  ],
  ['20', `v6only.${S}`, 'A', NODATA],
  ['20', `v6only.${S}`, 'AAAA', { answers: ['AAAA fd00:10:96::6'] }],
  ['21', `noports.${S}`, 'A', { answers: ['A 10.96.1.9'] }],
  ['21', `noports.${S}`, 'SRV', NODATA],
  ['22', `empty.${S}`, 'A', { answers: ['A 10.96.1.20'] }],
  ['23', `lb.${S}`, 'A', { answers: ['A 10.96.1.30'] }],
  ['24', `fd00-1-2-3--0.v6zero.${S}`, 'AAAA', { answers: ['AAAA fd00:1:2:3::'] }],
  ['24', `fd00-1-2-3--.v6zero.${S}`, 'AAAA', NXDOMAIN],
  ['25', `hdls.${S}`, 'A', { answers: hdlsA }],
  ['26', `hdls.${S}`, 'AAAA', { answers: hdlsAaaa }],
  [
    '27',
    `_http._tcp.hdls.${S}`,
    'SRV',
    {
      answers: ['10-1-0-3', '10-1-0-4', 'dup', '10-1-0-98', 'fd00-1--5', 'fd00-1--6'].map(hdlsSrv),
    },
  ],
  ['28', `dup.hdls.${S}`, 'A', { answers: ['A 10.1.0.5', 'A 10.1.0.6'] }],
  ['29', `10-1-0-99.hdls.${S}`, 'A', NXDOMAIN],
  ['30', `fd00-1--5.hdls.${S}`, 'A', NODATA],
  ['30', `fd00-1--5.hdls.${S}`, 'AAAA', { answers: ['AAAA fd00:1::5'] }],
  ['31', `hdlsnoport.${S}`, 'A', { answers: ['A 10.1.0.20'] }],
  ['31', `hdlsnoport.${S}`, 'SRV', NODATA],
  ['31', `10-1-0-20.hdlsnoport.${S}`, 'A', { answers: ['A 10.1.0.20'] }],
  ['32', `hdlsempty.${S}`, 'A', NXDOMAIN],
  ['32', `hdlsunready.${S}`, 'A', NXDOMAIN],
  ['32', `hdlsunready.${S}`, 'AAAA', NXDOMAIN],
  ['33', `ext.${S}`, 'A', { answers: extWww }],
  ['34 (defect: no SOA; RFC 2308 wants it)', `ext.${S}`, 'AAAA', { answers: extWww.slice(0, 1), soa: 'example.com.' }],
  [
    '35 (defect: upstream NXDOMAIN was swallowed)',
    `extnx.${S}`,
    'A',
    { rcode: 'NXDOMAIN', answers: ['CNAME nx.example.com.'], soa: 'example.com.' },
  ],
  ['35 (defect: upstream SERVFAIL was swallowed)', `extfail.${S}`, 'A', { rcode: 'SERVFAIL', soa: false }],
  ['36', `extsvc.${S}`, 'A', { answers: [`CNAME web.${S}.`, 'A 10.96.1.1'] }],
  ['36', `extsvc.${S}`, 'AAAA', NODATA],
  [
    '36 (target in the zone does not exist)',
    `extgone.${S}`,
    'A',
    { rcode: 'NXDOMAIN', answers: [`CNAME gone.${S}.`], soa: 'cluster.local.' },
  ],
  ['37', `extloop.${S}`, 'A', NODATA],
  ['37', `exta.${S}`, 'A', NODATA],
  ['38', `exta.${S}`, 'CNAME', { answers: [`CNAME extb.${S}.`] }],
  ['38', `ext.${S}`, 'CNAME', { answers: ['CNAME www.example.com.'] }],
  ...['SRV', 'TXT', 'MX'].map((type): Row => ['39', `ext.${S}`, type, NODATA]),
  ['40', `_http._tcp.ext.${S}`, 'SRV', NXDOMAIN],
  ['40', `foo.ext.${S}`, 'A', NXDOMAIN],
  ['40', `endpoint.ext.${S}`, 'CNAME', NXDOMAIN],
  ['41', `extdot.${S}`, 'A', { answers: extWww }],
  ['42', `extip.${S}`, 'A', NXDOMAIN],
  ['42', `extip.${S}`, 'CNAME', NXDOMAIN],
  ...['A', 'AAAA', 'SRV', 'HINFO', 'ANY'].map((type): Row => ['43', 'cluster.local', type, NODATA]),
  ['45', 'cluster.local', 'NS', { answers: ['NS ns.dns.cluster.local.'], additional: ['A 127.0.0.1'] }],
  ['46 (defect: apex TXT was NXDOMAIN)', 'cluster.local', 'TXT', NODATA],
  ['47', 'dns-version.cluster.local', 'TXT', { answers: ['TXT "1.1.0"'] }],
  ['47 (defect: dns-version A was NXDOMAIN)', 'dns-version.cluster.local', 'A', NODATA],
  ['47 (defect: dns.<zone> was NXDOMAIN above ns.dns.<zone>)', 'dns.cluster.local', 'A', NODATA],
  ['45', 'ns.dns.cluster.local', 'A', { answers: ['A 127.0.0.1'] }],
  ['48', 'svc.cluster.local', 'A', NODATA],
  ['48', 'pod.cluster.local', 'A', NODATA],
  ['48', S, 'A', NODATA],
  ['48', 'testns.pod.cluster.local', 'A', NODATA],
  ['48', 'svc.cluster.local', 'SOA', NODATA],
  ['48', 'svc.cluster.local', 'NS', NODATA],
  ['49', 'nons.svc.cluster.local', 'A', NXDOMAIN],
  ['49', 'foo.cluster.local', 'A', NXDOMAIN],
  ['49', 'foo.svc.cluster.local', 'NS', NXDOMAIN],
  ['50', `*.${S}`, 'A', NXDOMAIN],
  ['50', 'web.*.svc.cluster.local', 'A', NXDOMAIN],
  ['50', `any.${S}`, 'A', NXDOMAIN],
  ['51', `*.*.web.${S}`, 'SRV', NXDOMAIN],
  ['52', `a.b.c.web.${S}`, 'A', NXDOMAIN],
  ['52', 'web.testns.cluster.local', 'A', NXDOMAIN],
  ['53', 'web.default.pood.cluster.local', 'A', NXDOMAIN],
  ['54', '1-2-3-4.testns.pod.cluster.local', 'A', { answers: ['A 1.2.3.4'] }],
  ['54', '1-2-3-4.testns.pod.cluster.local', 'AAAA', NODATA],
  ['55', 'fd00--1.testns.pod.cluster.local', 'AAAA', { answers: ['AAAA fd00::1'] }],
  ['56', '1-2-3-4.nons.pod.cluster.local', 'A', NXDOMAIN],
  ['56', '999-2-3-4.testns.pod.cluster.local', 'A', NXDOMAIN],
  ['56', 'blah.testns.pod.cluster.local', 'TXT', NXDOMAIN],
  ['57 (defect: labels before a pod address were ignored)', 'x.1-2-3-4.testns.pod.cluster.local', 'A', NXDOMAIN],
  ['57 (defect: labels before a pod address were ignored)', '_a._b.1-2-3-4.testns.pod.cluster.local', 'A', NXDOMAIN],
  ['61', '1.0.96.10.in-addr.arpa', 'PTR', { answers: ['PTR kubernetes.default.svc.cluster.local.'] }],
  ['62', '1.0.1.10.in-addr.arpa', 'PTR', { answers: [`PTR web-0.web.${S}.`] }],
  ['63', '3.0.1.10.in-addr.arpa', 'PTR', { answers: [`PTR 10-1-0-3.hdls.${S}.`] }],
  ['63', '5.0.1.10.in-addr.arpa', 'PTR', { answers: [`PTR dup.hdls.${S}.`] }],
  ['64', '60.0.1.10.in-addr.arpa', 'PTR', { answers: [`PTR peer.shareda.${S}.`, `PTR peer.sharedb.${S}.`] }],
  ['65', '61.0.1.10.in-addr.arpa', 'PTR', { answers: [`PTR one.twice.${S}.`] }],
  ...['99.0.1.10', '10.113.0.203', '9.113.0.203', '7.7.7.7'].map((address): Row => [
    '66 (to the upstream)',
    `${address}.in-addr.arpa`,
    'PTR',
    { rcode: 'NXDOMAIN', soa: 'example.com.' },
  ]),
  ['67', nibbles('fd0000100096'.padEnd(31, '0') + '3'), 'PTR', { answers: [`PTR dual.${S}.`] }],
  ['67', nibbles('fd000001'.padEnd(31, '0') + '5'), 'PTR', { answers: [`PTR fd00-1--5.hdls.${S}.`] }],
  ['68 (to the upstream)', '1.1.96.10.in-addr.arpa', 'A', { rcode: 'NXDOMAIN', soa: 'example.com.' }],
  ['68 (to the upstream)', '1.96.10.in-addr.arpa', 'PTR', { rcode: 'NXDOMAIN', soa: 'example.com.' }],
  ['69', 'in-addr.arpa', 'PTR', { soa: 'in-addr.arpa.' }],
  ['70', '100.0.0.10.cluster.local', 'PTR', NXDOMAIN],
  ['70', 'example.org.cluster.local', 'PTR', NXDOMAIN],
  [
    '72',
    `_peer._tcp.sss.${S}`,
    'SRV',
    { answers: sss(33, 7000), additional: [40, 41, 42].map((n) => `A 10.1.0.${n}`) },
  ],
  ['73', `sss.${S}`, 'SRV', { answers: [...sss(16, 7000), ...sss(16, 7001)] }],
  ['74', `twice.${S}`, 'A', { answers: ['A 10.1.0.61'] }],
  ['74', `twice.${S}`, 'SRV', { answers: [`SRV 0 50 8080 one.twice.${S}.`], additional: ['A 10.1.0.61'] }],
  ['76', 'cluster.local', 'AXFR', { rcode: 'REFUSED', soa: false }],
]

function nibbles(hex: string): string {
  return `${hex.split('').toReversed().join('.')}.ip6.arpa`
}

for (const [row, name, type, expected] of rows) {
  test(`DNS row ${row}: ${name} ${type}`, async () => {
    check(await askUdp(server, [name, type], { udpSize: 1232 }), expected)
    // The second time from memory, where that is possible.
    check(await askUdp(server, [name, type], { udpSize: 1232 }), expected)
    check(await askTcp(server, [name, type]), expected)
  })
}

test('DNS row 1: TTL 30 and aa', async () => {
  const { message } = await askUdp(server, [`web.${S}`, 'A'])
  assert.equal(message.answers[0]?.ttl, 30)
  assert.equal(message.authoritative, true)
  assert.equal(message.recursionAvailable, false)
  assert.equal(message.recursionDesired, true)
})

for (const [row, name] of [
  ['3', 'WEB.TestNS.svc.cluster.local.'],
  ['4', 'wEb.TeStNs.SvC.cLuStEr.LoCaL.'],
] as const) {
  test(`DNS row ${row}: the question comes back byte for byte, and owns the answer`, async () => {
    const query = queryPacket(name, 'A')
    const packet = await sendUdp(server, query)
    assert.deepEqual(packet.subarray(12, query.length), query.subarray(12))
    const { message } = await askUdp(server, [name, 'A'])
    assert.equal(nameToText(message.answers[0]?.name ?? ('' as never)), name)
  })
}

test('DNS row 5: the SOA is in the case of the question', async () => {
  const { message } = await askUdp(server, ['not-a-service.testns.svc.ClUsTeR.lOcAl', 'A'])
  const [soa] = message.authority
  assert.equal(rcodeName(message.rcode), 'NXDOMAIN')
  assert.ok(soa?.data.kind === 'soa')
  assert.equal(nameToText(soa.name), 'ClUsTeR.lOcAl.')
  assert.equal(nameToText(soa.data.mname), 'ns.dns.ClUsTeR.lOcAl.')
  assert.equal(nameToText(soa.data.rname), 'hostmaster.ClUsTeR.lOcAl.')
  assert.deepEqual(
    [soa.ttl, soa.data.refresh, soa.data.retry, soa.data.expire, soa.data.minimum],
    [30, 7200, 1800, 86_400, 30],
  )
  assert.ok(soa.data.serial > 1_000_000_000)
})

test('DNS row 25: the order changes from answer to answer', async () => {
  const orders = new Set<string>()
  for (let i = 0; i < 30; i++) {
    const { message } = await askUdp(server, [`hdls.${S}`, 'A'])
    orders.add(message.answers.map((record) => formatData(record.data)).join())
  }
  assert.ok(orders.size > 5, `${orders.size} orders in 30 answers`)
})

test('DNS row 27: seven additional records', async () => {
  const { message } = await askTcp(server, [`_http._tcp.hdls.${S}`, 'SRV'])
  assert.deepEqual(shown(message.additional), [...hdlsA, ...hdlsAaaa].sort())
})

test('DNS row 44: SOA at the apex', async () => {
  const { message } = await askUdp(server, ['cluster.local', 'SOA'])
  assert.match(shown(message.answers).join(), /^SOA ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 /)
})

test('DNS row 80: class CH is refused', async () => {
  const { message } = await askUdp(server, ['version.bind', 'TXT'], { class: 3 })
  assert.equal(rcodeName(message.rcode), 'REFUSED')
})

test('DNS row 81: 512 bytes hold 28 of 100 addresses', async () => {
  const { message, packet } = await askUdp(server, [`hdlsbig.${S}`, 'A'])
  assert.deepEqual([message.truncated, message.answers.length, packet.length], [true, 28, 498])
})

// The table's 72 and 27 answers include an echoed 12-byte client cookie; without one there is room for one more each.
test('DNS row 82: EDNS sizes 1232, 4096 and 100', async () => {
  const size = async (at: FixtureServer, udpSize: number): Promise<unknown[]> => {
    const { message, packet } = await askUdp(at, [`hdlsbig.${S}`, 'A'], { udpSize })
    return [message.truncated, message.answers.length, packet.length]
  }
  assert.deepEqual(await size(server, 1232), [true, 73, 1229])
  assert.deepEqual(await size(server, 4096), [true, 73, 1229])
  assert.deepEqual(await size(server, 100), [true, 28, 509])
  const wide = await startFixture({ maxUdpBytes: 4096 })
  assert.deepEqual(await size(wide, 4096), [false, 100, 1661])
  await wide.dns.close()
})

test('DNS row 83: TCP carries all 100, compressed', async () => {
  const { message, packet } = await askTcp(server, [`hdlsbig.${S}`, 'A'])
  assert.deepEqual([message.truncated, message.answers.length, packet.length], [false, 100, 1650])
})

test('DNS row 84: EDNS version 1 is BADVERS with an OPT of version 0', async () => {
  const { message } = await askUdp(server, [`web.${S}`, 'A'], { udpSize: 1232, ednsVersion: 1 })
  assert.deepEqual([rcodeName(message.rcode), message.edns?.version, message.answers.length], ['BADVERS', 0, 0])
})

type Variant = {
  readonly title: string
  readonly config: Parameters<typeof startFixture>[0]
  readonly rows: readonly Row[]
}

const variants: readonly Variant[] = [
  {
    title: 'endpointPodNames',
    config: { endpointPodNames: true },
    rows: [
      ['17', `web-1-abc.web.${S}`, 'A', { answers: ['A 10.1.0.2'] }],
      ['16', `10-1-0-2.web.${S}`, 'A', NXDOMAIN],
    ],
  },
  {
    title: 'ignoreEmptyService',
    config: { ignoreEmptyService: true },
    rows: [
      ['22', `empty.${S}`, 'A', NXDOMAIN],
      ['22', `web.${S}`, 'A', { answers: ['A 10.96.1.1'] }],
    ],
  },
  {
    title: 'namespaces testns',
    config: { namespaces: ['testns'] },
    rows: [
      ['75', 'kubernetes.default.svc.cluster.local', 'A', NXDOMAIN],
      ['75', 'default.svc.cluster.local', 'A', NXDOMAIN],
      ['75', `web.${S}`, 'A', { answers: ['A 10.96.1.1'] }],
    ],
  },
  {
    title: 'pods disabled',
    config: { pods: 'disabled' },
    rows: [['59', '1-2-3-4.testns.pod.cluster.local', 'A', NXDOMAIN]],
  },
  {
    title: 'no upstream',
    config: {},
    rows: [
      ['79', 'www.example.com', 'A', { rcode: 'REFUSED', soa: false }],
      ['33 (not followed)', `ext.${S}`, 'A', { answers: ['CNAME www.example.com.'] }],
      ['68', '1.1.96.10.in-addr.arpa', 'A', { rcode: 'REFUSED', soa: false }],
      ['71', 'svc1.testns.svc.0.10.in-addr.arpa', 'A', { rcode: 'REFUSED', soa: false }],
    ],
  },
  {
    title: 'reverse zones of the cluster ranges',
    config: { reverseEverywhere: false, reverseCidrs: ['10.96.0.0/16', '10.1.0.0/16', 'fd00:10:96::/112'] },
    rows: [
      ['61', '1.0.96.10.in-addr.arpa', 'PTR', { answers: ['PTR kubernetes.default.svc.cluster.local.'] }],
      ['66', '99.0.1.10.in-addr.arpa', 'PTR', { rcode: 'NXDOMAIN', soa: '1.10.in-addr.arpa.' }],
      ['66', '7.7.96.10.in-addr.arpa', 'PTR', { rcode: 'NXDOMAIN', soa: '96.10.in-addr.arpa.' }],
      ['68 (ours, so it exists)', '1.1.96.10.in-addr.arpa', 'A', { soa: '96.10.in-addr.arpa.' }],
      ['68 (ours, above an address)', '1.96.10.in-addr.arpa', 'PTR', { soa: '96.10.in-addr.arpa.' }],
      ['69', '96.10.in-addr.arpa', 'PTR', { soa: '96.10.in-addr.arpa.' }],
      ['71', 'svc1.testns.svc.1.10.in-addr.arpa', 'A', { rcode: 'NXDOMAIN', soa: '1.10.in-addr.arpa.' }],
      ['67', nibbles('fd0000100096'.padEnd(31, '0') + '3'), 'PTR', { answers: [`PTR dual.${S}.`] }],
    ],
  },
  {
    title: 'this server behind Services',
    config: { ownAddresses: ['10.1.0.1', '10.1.0.40'] },
    rows: [
      [
        '45',
        'cluster.local',
        'NS',
        {
          answers: [`NS web.${S}.`, `NS sss-0.sss.${S}.`],
          additional: ['A 10.96.1.1', 'A 10.1.0.40'],
        },
      ],
    ],
  },
]

for (const { title, config, rows: own } of variants) {
  test(`with ${title}`, async (t) => {
    const variant = await startFixture(config)
    for (const [row, name, type, expected] of own) {
      await t.test(`DNS row ${row}: ${name} ${type}`, async () => {
        check(await askUdp(variant, [name, type], { udpSize: 1232 }), expected)
      })
    }
    await variant.dns.close()
  })
}
