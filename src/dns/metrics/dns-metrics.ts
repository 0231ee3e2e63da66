/**
 * What is counted, under the names CoreDNS has given these numbers, so that its dashboards and alerts keep working. A
 * query costs a few additions; text is made when somebody asks.
 */
import type { CacheObserver, ForwardObserver, Upstream } from '../forward/index.ts'
import { upstreamText } from '../forward/index.ts'
import type { Observed } from '../server/index.ts'
import { rcodeName, typeName } from '../wire/index.ts'
import type { Family, Labels, Sample } from './exposition.ts'
import { exponentialBuckets, exposition, Histogram } from './exposition.ts'

export type DnsMetrics = {
  /** For the listeners of one port: `dns://:53`. */
  observer(server: string, monotonic: () => number): (observed: Observed) => void
  readonly forward: ForwardObserver
  readonly cache: CacheObserver
  readonly programmed: (milliseconds: number) => void
  readonly reloadFailed: () => void
  text(gauges: MetricsGauges): string
}

export type MetricsGauges = {
  readonly caches: readonly { readonly server: string; readonly success: number; readonly denial: number }[]
  readonly plugins: readonly { readonly server: string; readonly zone: string; readonly name: string }[]
}

type Counts = {
  readonly server: string
  readonly zone: string
  readonly requests: Map<number, number>
  readonly responses: Map<number, number>
  readonly duration: Histogram
  readonly requestSize: readonly [Histogram, Histogram]
  readonly responseSize: readonly [Histogram, Histogram]
  dnssecOk: number
}

const SIZES = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3]
const DURATIONS = exponentialBuckets(0.000_25, 2, 16)
const PROXY_DURATIONS = exponentialBuckets(0.000_25, 2, 16)
const PROGRAMMING = exponentialBuckets(0.001, 2, 20)
const PROTOCOLS = ['udp', 'tcp'] as const
const FAMILY = ['1', '2'] as const

export function createDnsMetrics(): DnsMetrics {
  const counts = new Map<string, Map<string, Counts>>()
  const counters = new Map<string, { readonly name: string; readonly labels: Labels; value: number }>()
  const proxies = new Map<string, { readonly labels: Labels; readonly histogram: Histogram }>()
  const programming = new Histogram(PROGRAMMING)

  const count = (name: string, labels: Labels = {}): void => {
    const key = `${name} ${Object.values(labels).join(' ')}`
    const known = counters.get(key)
    if (known === undefined) counters.set(key, { name, labels, value: 1 })
    else known.value++
  }

  return {
    observer: (server, monotonic) => {
      const zones = counts.get(server) ?? new Map<string, Counts>()
      counts.set(server, zones)
      return (observed) => {
        let zone = zones.get(observed.zone)
        if (zone === undefined) {
          zone = newCounts(server, observed.zone)
          zones.set(observed.zone, zone)
        }
        take(zone, observed, monotonic)
      }
    },
    forward: {
      replied: (upstream, rcode, milliseconds) => {
        const labels = { proxy_name: 'forward', to: upstreamText(upstream), rcode: rcodeName(rcode) }
        const key = `${labels.to} ${labels.rcode}`
        const proxy = proxies.get(key) ?? { labels, histogram: new Histogram(PROXY_DURATIONS) }
        proxies.set(key, proxy)
        proxy.histogram.observe(milliseconds / 1000)
      },
      probeFailed: (upstream: Upstream) =>
        count('coredns_proxy_healthcheck_failures_total', { proxy_name: 'forward', to: upstreamText(upstream) }),
      refused: () => count('coredns_forward_max_concurrent_rejects_total'),
    },
    cache: {
      asked: () => count('coredns_cache_requests_total'),
      hit: (kind) => count('coredns_cache_hits_total', { type: kind }),
      missed: () => count('coredns_cache_misses_total'),
      prefetched: () => count('coredns_cache_prefetch_total'),
      servedStale: () => count('coredns_cache_served_stale_total'),
      evicted: (kind) => count('coredns_cache_evictions_total', { type: kind }),
    },
    programmed: (milliseconds) => programming.observe(milliseconds / 1000),
    reloadFailed: () => count('coredns_reload_failed_total'),
    text: (gauges) =>
      exposition([
        ...queryFamilies([...counts.values()].flatMap((zones) => [...zones.values()])),
        ...counterFamilies([...counters.values()]),
        family('coredns_cache_entries', ['gauge', 'Entries in the cache.'], gauges.caches.flatMap(cacheSamples)),
        family(
          'coredns_proxy_request_duration_seconds',
          ['histogram', 'Time each request to an upstream took.'],
          [...proxies.values()].flatMap(({ labels, histogram }) => histogram.samples(labels)),
        ),
        family(
          'coredns_kubernetes_dns_programming_duration_seconds',
          ['histogram', 'Time from the change of an endpoint to the answer that shows it.'],
          programming.samples({ service_kind: 'headless_with_selector' }),
        ),
        family(
          'coredns_plugin_enabled',
          ['gauge', 'Parts of the chain that are in use.'],
          gauges.plugins.map(({ server, zone, name }) => ({ labels: { server, zone, view: '', name }, value: 1 })),
        ),
      ]),
  }
}

function newCounts(server: string, zone: string): Counts {
  const sizes = (): readonly [Histogram, Histogram] => [new Histogram(SIZES), new Histogram(SIZES)]
  return {
    server,
    zone,
    requests: new Map(),
    responses: new Map(),
    duration: new Histogram(DURATIONS),
    requestSize: sizes(),
    responseSize: sizes(),
    dnssecOk: 0,
  }
}

/** Requests are keyed by type, protocol and family in one number. */
function take(counts: Counts, observed: Observed, monotonic: () => number): void {
  const { packet, reply, from, rcode, type = 0, relayed, began } = observed
  const protocol = from.transport === 'udp' ? 0 : 1
  const key = type * 4 + protocol * 2 + (from.address.includes(':') ? 1 : 0)
  counts.requests.set(key, (counts.requests.get(key) ?? 0) + 1)
  const response = rcode * 2 + (relayed ? 1 : 0)
  counts.responses.set(response, (counts.responses.get(response) ?? 0) + 1)
  counts.duration.observe((monotonic() - began) / 1000)
  counts.requestSize[protocol].observe(packet.length)
  counts.responseSize[protocol].observe(reply.length)
  if (packet[11] === 1 && packet.length >= 23 && ((packet[packet.length - 4] as number) & 0x80) !== 0) counts.dnssecOk++
}

function family(name: string, said: readonly [Family['type'], string], samples: readonly Sample[]): Family {
  const [type, help] = said
  return { name, help, type, samples }
}

function queryFamilies(all: readonly Counts[]): Family[] {
  const labelled = <T>(make: (counts: Counts, labels: Labels) => readonly T[]): T[] =>
    all.flatMap((counts) => make(counts, { server: counts.server, zone: counts.zone, view: '' }))
  const sizes = (pick: (counts: Counts) => readonly [Histogram, Histogram]): Sample[] =>
    labelled((counts, labels) =>
      PROTOCOLS.flatMap((proto, i) => pick(counts)[i as 0 | 1].samples({ ...labels, proto })),
    )
  return [
    family(
      'coredns_dns_requests_total',
      ['counter', 'DNS requests.'],
      labelled(({ requests }, labels) =>
        [...requests].map(([key, value]) => ({
          labels: {
            ...labels,
            proto: PROTOCOLS[((key >> 1) & 1) as 0 | 1],
            family: FAMILY[(key & 1) as 0 | 1],
            type: typeLabel(key >> 2),
          },
          value,
        })),
      ),
    ),
    family(
      'coredns_dns_request_duration_seconds',
      ['histogram', 'Time from request to reply.'],
      labelled(({ duration }, labels) => duration.samples(labels)),
    ),
    family(
      'coredns_dns_request_size_bytes',
      ['histogram', 'Size of requests.'],
      sizes(({ requestSize }) => requestSize),
    ),
    family(
      'coredns_dns_response_size_bytes',
      ['histogram', 'Size of replies.'],
      sizes(({ responseSize }) => responseSize),
    ),
    family(
      'coredns_dns_responses_total',
      ['counter', 'DNS replies.'],
      labelled(({ responses }, labels) =>
        [...responses].map(([key, value]) => ({
          labels: { ...labels, rcode: rcodeName(key >> 1), plugin: (key & 1) === 1 ? 'forward' : '' },
          value,
        })),
      ),
    ),
    family(
      'coredns_dns_do_requests_total',
      ['counter', 'DNS requests with the DO bit.'],
      labelled(({ dnssecOk }, labels) => [{ labels, value: dnssecOk }]),
    ),
  ]
}

/** CoreDNS names the types it knows and calls the rest `other`. */
function typeLabel(type: number): string {
  const name = typeName(type)
  return name.startsWith('TYPE') ? 'other' : name
}

const HELP: Readonly<Record<string, string>> = {
  coredns_cache_requests_total: 'Questions put to the cache.',
  coredns_cache_hits_total: 'Questions answered from the cache.',
  coredns_cache_misses_total: 'Questions the cache had no answer to.',
  coredns_cache_prefetch_total: 'Entries fetched again before their time.',
  coredns_cache_served_stale_total: 'Answers given after their time.',
  coredns_cache_evictions_total: 'Entries that made room for others.',
  coredns_proxy_healthcheck_failures_total: 'Probes of an upstream without reply.',
  coredns_forward_max_concurrent_rejects_total: 'Questions refused because too many were under way.',
  coredns_reload_failed_total: 'Configurations that could not be taken over.',
}

function counterFamilies(counters: readonly { name: string; labels: Labels; value: number }[]): Family[] {
  return Object.entries(HELP).map(([name, help]) =>
    family(
      name,
      ['counter', help],
      counters.filter((counter) => counter.name === name).map(({ labels, value }) => ({ labels, value })),
    ),
  )
}

function cacheSamples(sizes: { readonly server: string; readonly success: number; readonly denial: number }): Sample[] {
  return (['success', 'denial'] as const).map((type) => ({
    labels: { server: sizes.server, type, zones: '.', view: '' },
    value: sizes[type],
  }))
}
