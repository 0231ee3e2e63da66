/**
 * The API server of the DNS bench: N Services with two endpoints each, listed in pages; watches stay open and silent. A
 * process of its own, so that its memory and time are not the DNS server's. Prints its port.
 */
import { createServer } from 'node:http'

const count = Number(process.argv[2] ?? '10000')
const address = (base: number, i: number): string => `10.${base + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`
const meta = (name: string, i: number) => ({ name, namespace: 'bench', uid: `u${i}`, resourceVersion: '1' })

const services = Array.from({ length: count }, (_, i) => ({
  metadata: { ...meta(`svc-${i}`, i), labels: { app: `app-${i}` } },
  spec: {
    type: 'ClusterIP',
    selector: { app: `app-${i}` },
    clusterIP: address(96, i + 10),
    clusterIPs: [address(96, i + 10)],
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
  },
}))
const slices = services.map(({ metadata: { name } }, i) => ({
  metadata: { ...meta(`${name}-a`, i), labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: [0, 1].map((j) => ({
    addresses: [address(244, 2 * i + j)],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', name: `${name}-${j}`, namespace: 'bench' },
  })),
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
}))
const namespaces = [{ metadata: { name: 'bench', uid: 'n', resourceVersion: '1' } }]

const lists = new Map<string, { readonly kind: string; readonly items: readonly object[] }>([
  ['/api/v1/services', { kind: 'ServiceList', items: services }],
  ['/api/v1/namespaces', { kind: 'NamespaceList', items: namespaces }],
  ['/apis/discovery.k8s.io/v1/endpointslices', { kind: 'EndpointSliceList', items: slices }],
])

/** In pages, as an API server does; watches stay open and silent. */
const api = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://bench')
  const list = lists.get(url.pathname)
  if (list === undefined) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  if (url.searchParams.has('watch')) {
    response.flushHeaders()
    return
  }
  const from = Number(url.searchParams.get('continue') ?? '0')
  const size = Number(url.searchParams.get('limit') ?? String(count))
  const rest = from + size < list.items.length ? { continue: String(from + size) } : {}
  const apiVersion = list.kind === 'EndpointSliceList' ? 'discovery.k8s.io/v1' : 'v1'
  const body = { apiVersion, kind: list.kind, metadata: { resourceVersion: '1', ...rest } }
  response.end(JSON.stringify({ ...body, items: list.items.slice(from, from + size) }))
})
await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
const bound = api.address()
process.stdout.write(`${typeof bound === 'object' && bound !== null ? bound.port : 0}\n`)
