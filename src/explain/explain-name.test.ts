/** What is said about a name: the order of the tries, each answer, and the reason in terms of objects. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint, EndpointSlice, Pod, Service } from '#api'
import { objectKey } from '#api'
import { createZone } from '#dns'
import { explainName } from './explain-name.ts'
import { formatNameExplanation } from './format-name-explanation.ts'
import { namesTried, parseResolver } from './name-resolver.ts'

const RESOLV =
  'nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n'
const resolver = parseResolver(RESOLV)

const service = (name: string, namespace: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec,
})
const slice = (owner: string, endpoints: readonly Endpoint[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${owner}-a`, namespace: 'default', labels: { 'kubernetes.io/service-name': owner } },
  addressType: 'IPv4',
  endpoints,
  ports: [],
})
const pod = (name: string, labels: Readonly<Record<string, string>>, status: NonNullable<Pod['status']>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { containers: [] },
  status,
})

const headless = { clusterIP: 'None', clusterIPs: ['None'] }
const services = [
  service('web', 'default', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ name: 'http', port: 80 }] }),
  service('cart', 'shop', { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] }),
  service('db', 'default', { ...headless, selector: { app: 'db' } }),
  service('typo', 'default', { ...headless, selector: { app: 'dbb' } }),
  service('manual', 'default', headless),
  service('out', 'default', { type: 'ExternalName', externalName: 'www.example.com' }),
]
const pods = [
  pod(
    'db-0',
    { app: 'db' },
    {
      phase: 'Running',
      podIP: '10.244.1.9',
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'unready: [db]' }],
      containerStatuses: [
        {
          name: 'db',
          ready: false,
          restartCount: 4,
          image: '',
          imageID: '',
          state: { waiting: { reason: 'CrashLoopBackOff' } },
        },
      ],
    },
  ),
  pod(
    'db-1',
    { app: 'db' },
    {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes' }],
    },
  ),
]

function explain(name: string) {
  const zone = createZone({
    zone: 'cluster.local',
    ttl: 30,
    pods: 'insecure',
    endpointPodNames: false,
    ignoreEmptyService: false,
    reverseCidrs: [],
    reverseEverywhere: true,
    ownAddresses: [],
    now: () => 1,
  })
  for (const namespace of ['default', 'shop']) zone.setNamespace(namespace, true)
  for (const one of services) zone.setService(objectKey(one), one)
  zone.setSlice('default/db-a', slice('db', [{ addresses: ['10.244.1.9'], conditions: { ready: false } }]))
  for (const resource of ['namespaces', 'services', 'endpointslices'] as const) zone.markSynced(resource)
  const byKey = new Map(services.map((one) => [objectKey(one), one]))
  const facts = { service: (key: string) => byKey.get(key), slicesOf: () => [], pods, namespace: 'default' }
  return explainName({ name, from: 'pod default/client', resolver, zone, facts })
}

const said = (name: string, step = 0): string => explain(name).steps[step]?.queries[0]?.text ?? ''

test('resolv.conf(5): nameservers, search, ndots and their limits', () => {
  assert.deepEqual(resolver, {
    nameservers: ['10.96.0.10'],
    searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
    ndots: 5,
  })
  assert.deepEqual(parseResolver('domain a\nsearch b c\noptions rotate ndots:99'), {
    nameservers: [],
    searches: ['b', 'c'],
    ndots: 15,
  })
  assert.equal(parseResolver('').ndots, 1)
})

test('fewer dots than ndots: search first; enough: as it is first; a final dot: nothing else', () => {
  const names = (name: string, ndots: number): string[] =>
    namesTried(name, { nameservers: [], searches: ['x.y', 'y.'], ndots }).map((tried) => tried.name)
  assert.deepEqual(names('a.b', 2), ['a.b.x.y.', 'a.b.y.', 'a.b.'])
  assert.deepEqual(names('a.b', 1), ['a.b.', 'a.b.x.y.', 'a.b.y.'])
  assert.deepEqual(names('a.b.', 5), ['a.b.'])
})

test('a short name of the own namespace is found at once, in one family', () => {
  const explanation = explain('web')
  assert.deepEqual([explanation.verdict, explanation.misses, explanation.addresses], ['resolves', 0, ['10.96.0.7']])
  assert.deepEqual(
    explanation.steps[0]?.queries.map(({ outcome }) => outcome),
    ['answered', 'no-data'],
  )
  assert.equal(explanation.steps[0]?.queries[1]?.text, 'is Service default/web, which has IPv4 addresses only')
})

test('no such service here, but one of that name elsewhere: where, and how to ask for it', () => {
  assert.match(
    said('cart'),
    /no Service cart in namespace default, but there is one of that name in namespace shop: .* cart\.shop$/,
  )
  const found = explain('cart.shop')
  assert.deepEqual([found.verdict, found.misses, found.addresses], ['resolves', 1, ['10.96.0.8']])
  assert.match(said('nowhere'), /there is no Service nowhere in namespace default$/)
})

test('headless without ready endpoints: because of what the pods say', () => {
  const text = said('db')
  assert.match(
    text,
    /^does not exist: headless Service default\/db has no ready endpoint because pod db-0 is not ready/,
  )
  assert.match(text, /Ready is False, ContainersNotReady: unready: \[db\]; container db is waiting: CrashLoopBackOff/)
  assert.match(text, /pod db-1 has no address yet \(PodScheduled is False, Unschedulable: 0\/2 nodes\)$/)
  assert.match(said('typo'), /no ready endpoint: no pod has the labels it selects, app=dbb$/)
  assert.match(said('manual'), /it has no selector, and nobody gave it endpoints$/)
})

test('names outside of the cluster: every search domain in vain first, then upstream', () => {
  const { verdict, misses, steps } = explain('www.example.com')
  assert.deepEqual([verdict, misses, steps.map(({ name }) => name).at(-1)], ['unknown', 3, 'www.example.com.'])
  const alias = explain('out')
  assert.equal(alias.verdict, 'unknown')
  assert.match(alias.steps[0]?.queries[0]?.text ?? '', /leads to www\.example\.com$/)
})

test('a name that is none, and one that does not exist for good', () => {
  assert.equal(explain('a..b.').steps[0]?.queries[0]?.outcome, 'no-such-name')
  assert.equal(explain('gone.default.svc.cluster.local.').verdict, 'does-not-resolve')
})

test('for a terminal: resolver, order, each try, and the end of it', () => {
  assert.deepEqual(formatNameExplanation(explain('cart.shop')).split('\n'), [
    'The name cart.shop, asked by pod default/client',
    '  resolver   10.96.0.10; search default.svc.cluster.local svc.cluster.local cluster.local; ndots 5',
    '  order      1 dot, fewer than ndots: the search list first, then as it is',
    '  1. cart.shop.default.svc.cluster.local.  (search default.svc.cluster.local)',
    '     A, AAAA  NXDOMAIN: does not exist: there is no Service shop in namespace default',
    '  2. cart.shop.svc.cluster.local.  (search svc.cluster.local)',
    '     A        NOERROR: is the cluster IP of Service shop/cart',
    '              cart.shop.svc.cluster.local. 30 IN A 10.96.0.8',
    '     AAAA     NOERROR, no data: is Service shop/cart, which has IPv4 addresses only',
    '  => 10.96.0.8, after 1 name in vain (2 queries)',
  ])
})
