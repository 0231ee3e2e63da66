/** The page at /metrics: its format, and that the numbers are those of the questions asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_CACHE_CONFIG } from '../forward/index.ts'
import { askTcp, askUdp } from '../testing/dns-client.ts'
import { fakeUpstream } from '../testing/fake-upstream.ts'
import { endpoint, sliceOf } from '../testing/fixture-cluster.ts'
import { startFixture } from '../testing/start-fixture.ts'
import { exponentialBuckets, exposition, Histogram } from './exposition.ts'

const S = 'testns.svc.cluster.local'

test('exposition: HELP, TYPE, escaped labels; buckets count what is at most their bound', () => {
  const histogram = new Histogram([1, 2])
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value)
  const text = exposition([
    {
      name: 'c_total',
      help: 'Some.',
      type: 'counter',
      samples: [{ labels: { a: 'x"\\\n' }, value: 3 }, { value: 1e21 }],
    },
    { name: 'h', help: 'Others.', type: 'histogram', samples: histogram.samples({ l: 'v' }) },
  ])
  assert.deepEqual(text.split('\n'), [
    '# HELP c_total Some.',
    '# TYPE c_total counter',
    'c_total{a="x\\"\\\\\\n"} 3',
    'c_total 1e+21',
    '# HELP h Others.',
    '# TYPE h histogram',
    'h_bucket{l="v",le="1"} 2',
    'h_bucket{l="v",le="2"} 3',
    'h_bucket{l="v",le="+Inf"} 4',
    'h_sum{l="v"} 12',
    'h_count{l="v"} 4',
    '',
  ])
  assert.deepEqual(exponentialBuckets(0.25, 2, 3), [0.25, 0.5, 1])
})

test('what was asked is counted under CoreDNS’s names, from memory or not', async () => {
  const upstream = await fakeUpstream({ 'www.example.com.': { addresses: ['192.0.2.1'] } })
  const server = await startFixture({
    metricsAddress: '127.0.0.1:0',
    upstreams: [`127.0.0.1:${upstream.port}`],
    cache: DEFAULT_CACHE_CONFIG,
  })
  for (let i = 0; i < 3; i++) await askUdp(server, [`web.${S}`, 'A'], { udpSize: 1232, dnssecOk: true })
  await askTcp(server, [`nothing.${S}`, 'AAAA'])
  for (let i = 0; i < 2; i++) await askUdp(server, ['www.example.com', 'A'])
  const changed = { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() } }
  const slice = sliceOf({ service: 'hdls', endpoints: [endpoint('10.1.0.3')] })
  server.informers.endpointSlices.put({ ...slice, metadata: { ...slice.metadata, ...changed } })

  const response = await fetch(`http://127.0.0.1:${server.dns.metricsPort}/metrics`)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  const text = await response.text()
  const value = (name: string, ...labels: string[]): number | undefined => {
    const line = text
      .split('\n')
      .find((one) => one.startsWith(`${name}{`) && labels.every((label) => one.includes(label)))
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
  }
  assert.equal(value('coredns_dns_requests_total', 'type="A"', 'proto="udp"', 'family="1"', 'zone="."'), 5)
  assert.equal(value('coredns_dns_requests_total', 'type="AAAA"', 'proto="tcp"'), 1)
  assert.equal(value('coredns_dns_responses_total', 'rcode="NXDOMAIN"'), 1)
  assert.equal(value('coredns_dns_responses_total', 'rcode="NOERROR"', 'plugin="forward"'), 2)
  assert.equal(value('coredns_dns_do_requests_total'), 3)
  assert.equal(value('coredns_dns_request_duration_seconds_count', 'zone="."'), 6)
  assert.equal(value('coredns_dns_response_size_bytes_count', 'proto="udp"'), 5)
  assert.equal(value('coredns_cache_entries', 'type="success"'), 1)
  assert.equal(value('coredns_cache_hits_total', 'type="success"'), 1)
  assert.equal(value('coredns_proxy_request_duration_seconds_count', 'rcode="NOERROR"'), 1)
  assert.equal(value('coredns_kubernetes_dns_programming_duration_seconds_count', 'headless_with_selector'), 1)
  assert.equal(value('coredns_plugin_enabled', 'name="kubernetes"'), 1)
  await server.dns.close()
  await upstream.close()
})
