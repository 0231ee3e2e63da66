/**
 * The embedded API server as a process of its own, over TLS, with a durable acknowledgement for every write: 10,000 Services
 * and 10,000 EndpointSlices created, listed, and watched by 100 clients under 200 writes a second.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Measurement } from './measurement.ts'
import { below, quantile, rounded } from './measurement.ts'

const COUNT = Number(process.env['SIGNALBOX_BENCH_OBJECTS'] ?? 10_000)
const CONNECTIONS = 32
const WATCHERS = 100
const WRITES_PER_SECOND = 200
const SECONDS = 10
const TOKEN = 'bench-token-0123456789'
const MARK = '"sent-at":"'
const SERVICES = '/api/v1/namespaces/default/services'
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'

type Server = { readonly pid: number; readonly port: number; readonly ca: string; readonly stop: () => Promise<void> }

export async function run(): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(process.env['SIGNALBOX_BENCH_DIR'] ?? tmpdir(), 'signalbox-bench-'))
  const server = await start(folder)
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: server.ca })
  const client: Client = { agent, port: server.port }
  try {
    const started = performance.now()
    const services = await createAll(client, SERVICES, service)
    const slices = await createAll(client, SLICES, slice)
    const total = (performance.now() - started) / 1000
    const lists = { services: await timeList(client, SERVICES), slices: await timeList(client, SLICES) }
    const before = cpuSeconds(server.pid)
    const latencies = await watchUnderLoad(client, server.ca)
    const cpu = (cpuSeconds(server.pid) - before) / SECONDS
    const memory = memoryOf(server.pid)
    return [
      below(60, { what: `create ${COUNT} Services and ${COUNT} EndpointSlices`, value: rounded(total), unit: 's' }),
      { what: 'Services created', value: Math.round(COUNT / services), unit: '/s' },
      { what: 'EndpointSlices created', value: Math.round(COUNT / slices), unit: '/s' },
      below(1, { what: `list ${COUNT} Services`, value: rounded(lists.services.seconds, 2), unit: 's' }),
      below(1, { what: `list ${COUNT} EndpointSlices`, value: rounded(lists.slices.seconds, 2), unit: 's' }),
      { what: 'size of the list of Services', value: rounded(lists.services.bytes / 1e6), unit: 'MB' },
      {
        what: `event to ${WATCHERS} watchers at ${WRITES_PER_SECOND} writes/s, median`,
        value: rounded(quantile(latencies, 0.5)),
        unit: 'ms',
      },
      below(50, {
        what: `event to ${WATCHERS} watchers at ${WRITES_PER_SECOND} writes/s, p99`,
        value: rounded(quantile(latencies, 0.99)),
        unit: 'ms',
      }),
      { what: 'cores used by the server meanwhile', value: rounded(cpu, 2), unit: '' },
      { what: 'events delivered', value: latencies.length, unit: '' },
      below(600, { what: 'resident memory at the end', value: memory.now, unit: 'MiB' }),
      { what: 'resident memory, highest', value: memory.highest, unit: 'MiB' },
    ]
  } finally {
    agent.destroy()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start(folder: string): Promise<Server> {
  const tokens = join(folder, 'tokens.json')
  writeFileSync(tokens, JSON.stringify([{ token: TOKEN, user: 'admin', groups: ['system:masters'] }]), { mode: 0o600 })
  const script = join(import.meta.dirname, 'apiserver-process.ts')
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, script, join(folder, 'state'), tokens], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  )
  const { port, ca } = JSON.parse(line) as { port: number; ca: string }
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return { pid: child.pid ?? 0, port, ca, stop }
}

type Client = { readonly agent: Agent; readonly port: number }

function open(
  { agent, port }: Client,
  call: { readonly method: string; readonly path: string; readonly body?: object; readonly type?: string },
): Promise<IncomingMessage> {
  const { method, path, body, type = 'application/json' } = call
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      Authorization: `Bearer ${TOKEN}`,
      'Content-Type': type,
      ...(text === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(text)) }),
    }
    const outgoing = httpsRequest({ host: '127.0.0.1', port, agent, method, path, headers }, resolve)
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

async function send(client: Client, call: Parameters<typeof open>[1]): Promise<number> {
  const response = await open(client, call)
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length
  if ((response.statusCode ?? 500) >= 300) throw new Error(`${call.method} ${call.path}: ${response.statusCode}`)
  return bytes
}

/** Seconds. */
async function createAll(client: Client, path: string, make: (i: number) => object): Promise<number> {
  const begun = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < COUNT; i = next++) await send(client, { method: 'POST', path, body: make(i) })
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  return (performance.now() - begun) / 1000
}

/** The best of three, which is the one that nothing else disturbed. */
async function timeList(client: Client, path: string): Promise<{ readonly seconds: number; readonly bytes: number }> {
  const runs: { seconds: number; bytes: number }[] = []
  for (let i = 0; i < 3; i += 1) {
    const begun = performance.now()
    const bytes = await send(client, { method: 'GET', path })
    runs.push({ seconds: (performance.now() - begun) / 1000, bytes })
  }
  return runs.toSorted((a, b) => a.seconds - b.seconds)[0] ?? { seconds: Number.NaN, bytes: 0 }
}

/** Milliseconds from sending a write to the arrival of its event, of all events at all watchers, sorted. */
async function watchUnderLoad(client: Client, ca: string): Promise<readonly number[]> {
  const latencies: number[] = []
  const watchers = new Agent({ ca, keepAlive: true })
  const revision = await revisionOf(client)
  const streams = await Promise.all(
    Array.from({ length: WATCHERS }, () =>
      open({ ...client, agent: watchers }, { method: 'GET', path: `${SLICES}?watch=1&resourceVersion=${revision}` }),
    ),
  )
  for (const stream of streams) {
    let rest: Buffer = Buffer.alloc(0)
    stream.on('data', (chunk: Buffer) => {
      const now = performance.now()
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = 0
      for (let end = data.indexOf(10, at); end >= 0; end = data.indexOf(10, at)) {
        const found = data.indexOf(MARK, at)
        if (found >= 0 && found < end)
          latencies.push(
            now - Number.parseFloat(data.toString('latin1', found + MARK.length, found + MARK.length + 20)),
          )
        at = end + 1
      }
      rest = data.subarray(at)
    })
    stream.on('error', () => undefined)
  }
  const writes: Promise<unknown>[] = []
  const begun = performance.now()
  for (let i = 0; i < WRITES_PER_SECOND * SECONDS; i += 1) {
    const due = begun + (i * 1000) / WRITES_PER_SECOND
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const body = { metadata: { annotations: { 'sent-at': String(performance.now()) } } }
    const path = `${SLICES}/slice-${i % COUNT}`
    writes.push(send(client, { method: 'PATCH', path, body, type: 'application/merge-patch+json' }))
  }
  await Promise.all(writes)
  const expected = WRITES_PER_SECOND * SECONDS * WATCHERS
  for (let i = 0; i < 100 && latencies.length < expected; i += 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
  if (latencies.length !== expected) throw new Error(`${latencies.length} of ${expected} events came`)
  for (const stream of streams) stream.destroy()
  watchers.destroy()
  return latencies.sort((a, b) => a - b)
}

async function revisionOf(client: Client): Promise<string> {
  const response = await open(client, { method: 'GET', path: `${SLICES}?limit=1` })
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  return (JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion
}

/** User and system time so far; the clock tick of Linux on all its machines is 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** MiB. */
function memoryOf(pid: number): { readonly now: number; readonly highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
  return { now: read('VmRSS'), highest: read('VmHWM') }
}

function service(i: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `service-${i}`, labels: { app: `app-${i}` } },
    spec: { selector: { app: `app-${i}` }, ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }] },
  }
}

function slice(i: number): object {
  const address = (n: number): string => `10.${1 + (i >> 12)}.${(i >> 4) & 255}.${((i & 15) << 4) + n}`
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `slice-${i}`, labels: { 'kubernetes.io/service-name': `service-${i}` } },
    addressType: 'IPv4',
    endpoints: [1, 2, 3].map((n) => ({
      addresses: [address(n)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${n}`,
    })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }
}
