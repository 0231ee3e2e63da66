import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import type { Family } from '#lib'
import { silentLogger } from '#lib'
import { listen } from './serve-address.ts'
import type { FactsChange } from './service-facts.ts'
import type { ServiceHealth } from './service-health.ts'
import { createServiceHealth } from './service-health.ts'

const stop = new AbortController()
after(() => stop.abort())

type Given = {
  readonly healthy?: () => boolean
  readonly family?: Family
  readonly onFailure?: (service: string) => void
}

function start({ healthy = () => true, family = 'IPv4', onFailure = () => undefined }: Given = {}): ServiceHealth {
  const addresses = (): readonly string[] => [family === 'IPv4' ? '127.0.0.1' : '::1']
  return createServiceHealth({ family, addresses, healthy, logger: silentLogger, signal: stop.signal, onFailure })
}

function to(nodePort: number, localEndpoints: number, service = 'ns/web'): FactsChange {
  return {
    key: service,
    after: { healthCheck: { nodePort, localEndpoints }, unserved: { internal: false, external: false } },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await listen(server, { host: '127.0.0.1', port: 0 }, 'SBX_PROXY_HEALTH_CHECK_LISTEN')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const url = (port: number, path = '/'): string => `http://127.0.0.1:${port}${path}`

test('HC-2 HC-3 HC-4 any path and method, the count as weight, the facts as JSON', async () => {
  const port = await freePort()
  await start().sync([to(port, 2)])
  for (const [path, method] of [
    ['/', 'GET'],
    ['/anything?x', 'POST'],
  ] as const) {
    const answer = await fetch(url(port, path), { method })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('x-load-balancing-endpoint-weight'), '2')
    assert.deepEqual(await answer.json(), {
      service: { namespace: 'ns', name: 'web' },
      localEndpoints: 2,
      serviceProxyHealthy: true,
    })
  }
})

test('CC-156 CC-157 no local endpoint, or an unhealthy proxy: 503, and the body says which', async () => {
  const [port, other] = [await freePort(), await freePort()]
  await start().sync([to(port, 0)])
  const none = await fetch(url(port))
  assert.deepEqual([none.status, none.headers.get('x-load-balancing-endpoint-weight')], [503, '0'])
  await start({ healthy: () => false }).sync([to(other, 1)])
  const sick = await fetch(url(other))
  assert.equal(sick.status, 503)
  const body = (await sick.json()) as { localEndpoints: number; serviceProxyHealthy: boolean }
  assert.deepEqual([body.localEndpoints, body.serviceProxyHealthy], [1, false])
})

test('HC-6 a count changes in place; a new port closes the old one; a service that goes closes its own', async () => {
  const [port, next] = [await freePort(), await freePort()]
  const health = start()
  await health.sync([to(port, 1)])
  await health.sync([to(port, 0)])
  assert.equal((await fetch(url(port))).status, 503)
  await health.sync([to(next, 3)])
  await assert.rejects(fetch(url(port)))
  assert.equal((await fetch(url(next))).headers.get('x-load-balancing-endpoint-weight'), '3')
  await health.sync([{ key: 'ns/web' }])
  await assert.rejects(fetch(url(next)))
})

test('HC-7 CC-160 a taken port is told at every sync and tried again; others are served', async () => {
  const [port, other] = [await freePort(), await freePort()]
  const squatter = createServer()
  await listen(squatter, { host: '127.0.0.1', port }, 'SBX_PROXY_HEALTH_CHECK_LISTEN')
  const told: string[] = []
  const health = start({ onFailure: (service) => void told.push(service) })
  await health.sync([to(port, 1), to(other, 1, 'ns/other')])
  assert.equal((await fetch(url(other))).status, 200)
  await health.sync([])
  assert.deepEqual(told, ['ns/web', 'ns/web'])
  await new Promise((resolve) => squatter.close(resolve))
  await health.sync([])
  assert.equal((await fetch(url(port))).status, 200)
  assert.equal(told.length, 2)
})

test('HC-1 each family listens on its own', async () => {
  const port = await freePort()
  await start().sync([to(port, 1)])
  await start({ family: 'IPv6' }).sync([to(port, 4)])
  assert.equal((await fetch(url(port))).headers.get('x-load-balancing-endpoint-weight'), '1')
  assert.equal((await fetch(`http://[::1]:${port}/`)).headers.get('x-load-balancing-endpoint-weight'), '4')
})
