/** The built-in workloads as processes of their own, which is how pods run them. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'

const echoFile = fileURLToPath(new URL('echo.ts', import.meta.url))
const loadFile = fileURLToPath(new URL('request-load.ts', import.meta.url))
let port = 0
let echo: ChildProcess

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const found = (server.address() as AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return found
}

async function load(...args: readonly string[]): Promise<{ status: number; lines: Record<string, unknown>[] }> {
  const child = spawn(process.execPath, [loadFile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>])
  const lines = output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { status, lines }
}

before(async () => {
  port = await freePort()
  const env = { ...process.env, PORT: String(port), POD_NAME: 'pod-a' }
  echo = spawn(process.execPath, [echoFile], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  assert.ok(echo.stdout)
  await once(echo.stdout, 'data')
})
after(() => echo.kill('SIGKILL'))

test('echo says over HTTP which pod answered whom, and what was asked', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/some/path?q=1`, { headers: { 'x-test': 'yes' } })
  const answer = (await response.json()) as Record<string, unknown>
  assert.equal(answer['pod'], 'pod-a')
  assert.equal(answer['address'], '127.0.0.1')
  assert.equal(answer['path'], '/some/path?q=1')
  assert.equal((answer['client'] as { address: string }).address, '127.0.0.1')
  assert.equal((answer['headers'] as Record<string, string>)['x-test'], 'yes')
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/text`)).text(), 'pod-a\n')
})

test('echo answers datagrams on the same port', async (t) => {
  const client = createSocket('udp4')
  t.after(() => client.close())
  client.bind(0, '127.0.0.1')
  await once(client, 'listening')
  client.send('hello', port, '127.0.0.1')
  const [datagram] = (await once(client, 'message')) as [Buffer]
  assert.deepEqual(JSON.parse(datagram.toString()), {
    pod: 'pod-a',
    client: { address: '127.0.0.1', port: client.address().port },
    message: 'hello',
  })
})

test('request-load counts who answered, one connection a request', async () => {
  const { status, lines } = await load(`http://localhost:${port}/`, '--count', '12', '--concurrency', '3', '--lines')
  assert.equal(status, 0)
  assert.equal(lines.length, 13)
  const summary = lines.at(-1)
  assert.equal(summary?.['answered'], 12)
  assert.deepEqual(summary['pods'], { 'pod-a': 12 })
})

test('request-load names its failures and its status is 1', async () => {
  const { status, lines } = await load(`http://127.0.0.1:${await freePort()}/`, '--count', '2')
  assert.equal(status, 1)
  assert.deepEqual(lines[0]?.['errors'], { ECONNREFUSED: 2 })
})

test('echo ends on SIGTERM with status 0', async () => {
  echo.kill('SIGTERM')
  assert.deepEqual(await once(echo, 'exit'), [0, null])
})
