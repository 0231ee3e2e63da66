/**
 * DNS: this server beside unbound and dnsmasq, the same names, the same load by dnsperf, one after the other in one run.
 *
 *   node --conditions=source bench/run.ts dns [--services 10000] [--seconds 10] [--unbound PATH] [--dnsmasq PATH]
 *
 * CPU is the server's own (utime and stime of its process), which is what stays comparable on a machine that others use.
 */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import type { Measurement } from './measurement.ts'
import { below, quantile, rounded } from './measurement.ts'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    services: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
    unbound: { type: 'string', default: 'unbound' },
    dnsmasq: { type: 'string', default: 'dnsmasq' },
    dnsperf: { type: 'string', default: 'dnsperf' },
  },
})
const services = Number(values.services)
const PORTS = { signalbox: 5300, unbound: 5301, dnsmasq: 5302 } as const
const ZONE = 'bench.svc.cluster.local'
const dir = mkdtempSync(join(tmpdir(), 'signalbox-bench-dns-'))
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
/** As fake-api.ts gives them out. */
const address = (i: number): string => `10.${96 + ((i + 10) >> 16)}.${((i + 10) >> 8) & 255}.${(i + 10) & 255}`

type Server = { readonly name: keyof typeof PORTS; readonly version: string; readonly child: ChildProcess }
type Run = {
  readonly offered: number | 'as fast as it goes'
  readonly queriesPerSecond: number
  readonly lost: number
  readonly averageMilliseconds: number
  readonly p99Milliseconds: number
  readonly cpuMicrosecondsPerQuery: number
}

/** Pods' questions: 70 % names that exist, 20 % search-path misses, 10 % SRV where `srv` is. */
function writeQuestions(name: string, srv: boolean): string {
  const path = join(dir, `questions-${name}`)
  const lines = Array.from({ length: 20_000 }, (_, i) => {
    // Coprime with the number of names: every one of them, in an order that is not the list's.
    const service = (i * 7919) % services
    if (i % 10 < 7) return `svc-${service}.${ZONE} A`
    return i % 10 < 9 || !srv ? `svc-${service}.${ZONE}.${ZONE} A` : `_http._tcp.svc-${service}.${ZONE} SRV`
  })
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function versionOf(file: string, flag: string): string {
  return execFileSync(file, [flag], { encoding: 'utf8' }).split('\n', 1)[0]?.trim() ?? ''
}

const SIGNALBOX_FLAGS = ['--max-semi-space-size=2']

async function startSignalbox(): Promise<{ server: Server; readyMilliseconds: number }> {
  const script = fileURLToPath(new URL('dns/serve-cluster.ts', import.meta.url))
  const args = [...SIGNALBOX_FLAGS, '--conditions=source', script, '--services', values.services, '--port', '5300']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const readyMilliseconds = await new Promise<number>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => resolve(Number(/ready (\d+)/.exec(bytes.toString())?.[1])))
  })
  return { server: { name: 'signalbox', version: `Node.js ${process.version}`, child }, readyMilliseconds }
}

function startUnbound(): Server {
  const config = join(dir, 'unbound.conf')
  const data = Array.from({ length: services }, (_, i) => `  local-data: "svc-${i}.${ZONE}. 30 IN A ${address(i)}"`)
  writeFileSync(
    config,
    [
      'server:',
      '  num-threads: 1',
      '  interface: 127.0.0.1@5301',
      '  do-daemonize: no',
      '  username: ""',
      '  chroot: ""',
      `  directory: "${dir}"`,
      '  pidfile: ""',
      '  use-syslog: no',
      '  verbosity: 0',
      '  local-zone: "cluster.local." static',
      ...data,
      'remote-control:',
      '  control-enable: no',
      '',
    ].join('\n'),
  )
  const child = spawn(values.unbound, ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] })
  return { name: 'unbound', version: versionOf(values.unbound, '-V'), child }
}

function startDnsmasq(): Server {
  const hosts = join(dir, 'hosts')
  writeFileSync(hosts, Array.from({ length: services }, (_, i) => `${address(i)} svc-${i}.${ZONE}\n`).join(''))
  const args = [
    '--keep-in-foreground',
    '--port=5302',
    '--listen-address=127.0.0.1',
    '--bind-interfaces',
    '--no-resolv',
    '--no-hosts',
    `--addn-hosts=${hosts}`,
    '--local=/cluster.local/',
    '--local-ttl=30',
    '--conf-file=/dev/null',
    '--cache-size=10000',
    '--pid-file=',
    '--user=root',
  ]
  const child = spawn(values.dnsmasq, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  return { name: 'dnsmasq', version: versionOf(values.dnsmasq, '--version'), child }
}

function cpuSeconds(server: Server): number {
  const fields = readFileSync(`/proc/${server.child.pid}/stat`, 'utf8').split(') ', 2)[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function memoryMebibytes(server: Server): number {
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(line) / 1024)
}

/** `-v` prints each reply with its time: the percentile is of all of them. */
function load(server: Server, questions: string, offered: number | undefined): Run {
  const before = cpuSeconds(server)
  const output = execFileSync(
    values.dnsperf,
    [
      '-s',
      '127.0.0.1',
      '-p',
      String(PORTS[server.name]),
      '-d',
      questions,
      '-l',
      values.seconds,
      '-c',
      '8',
      '-q',
      '200',
      '-v',
      ...(offered === undefined ? [] : ['-Q', String(offered)]),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 30 },
  )
  const after = cpuSeconds(server)
  const times = [...output.matchAll(/^> \S+ .* (\d+\.\d+)$/gm)].map((match) => Number(match[1])).sort((a, b) => a - b)
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1])
  const completed = number(/Queries completed:\s+(\d+)/)
  return {
    offered: offered ?? 'as fast as it goes',
    queriesPerSecond: Math.round(number(/Queries per second:\s+([\d.]+)/)),
    lost: number(/Queries lost:\s+(\d+)/),
    averageMilliseconds: number(/Average Latency \(s\):\s+([\d.]+)/) * 1000,
    p99Milliseconds: rounded(quantile(times, 0.99) * 1000, 2),
    cpuMicrosecondsPerQuery: Math.round(((after - before) / completed) * 1e7) / 10,
  }
}

const settle = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

type Result = {
  readonly name: Server['name']
  readonly version: string
  readonly idleMebibytes: number
  readonly loadedMebibytes: number
  readonly fastest: Run
  readonly half: Run
  readonly mixed: Run | undefined
  readonly load: number
}
const results: Result[] = []

async function measure(server: Server): Promise<Result> {
  const plain = writeQuestions('plain', false)
  const mixed = writeQuestions('mixed', true)
  await settle(2000)
  const idleMebibytes = memoryMebibytes(server)
  load(server, plain, undefined)
  const fastest = load(server, plain, undefined)
  const half = load(server, plain, Math.round(fastest.queriesPerSecond / 2))
  const result: Result = {
    name: server.name,
    version: server.version,
    idleMebibytes,
    fastest,
    half,
    mixed: server.name === 'signalbox' ? load(server, mixed, undefined) : undefined,
    loadedMebibytes: memoryMebibytes(server),
    load: rounded(loadavg()[0] ?? 0),
  }
  results.push(result)
  server.child.kill()
  await settle(500)
  return result
}

export async function run(): Promise<readonly Measurement[]> {
  try {
    const { server, readyMilliseconds } = await startSignalbox()
    const { fastest, half, loadedMebibytes } = await measure(server)
    await measure(startUnbound())
    await measure(startDnsmasq())
    const perCore = Math.round(1e6 / fastest.cpuMicrosecondsPerQuery)
    return [
      below(3000, { what: `from the first list to ready, ${services} Services`, value: readyMilliseconds, unit: 'ms' }),
      below(150, { what: 'resident after the load', value: loadedMebibytes, unit: 'MiB' }),
      {
        what: 'answers per second of CPU',
        value: perCore,
        unit: 'queries',
        goal: '>= 50000 queries',
        met: perCore >= 50_000,
      },
      { what: 'answers per second of wall time, shared machine', value: fastest.queriesPerSecond, unit: 'queries' },
      below(2, { what: `p99 at ${half.queriesPerSecond} queries/s`, value: half.p99Milliseconds, unit: 'ms' }),
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export function annex(): { readonly markdown: string; readonly facts: unknown } {
  const rows = results.map(
    ({ name, version, fastest, half, loadedMebibytes, load: average }) =>
      `| ${name} (${version}) | ${fastest.queriesPerSecond} | ${fastest.cpuMicrosecondsPerQuery} | ${half.p99Milliseconds} | ${fastest.lost + half.lost} | ${loadedMebibytes} | ${average} |`,
  )
  const head =
    '| server | queries/s | CPU µs/query | p99 ms at half | lost | MiB | load |\n|---|---|---|---|---|---|---|\n'
  const how = `dnsperf, 8 sockets, 200 under way, ${values.seconds} s each; Signalbox with ${SIGNALBOX_FLAGS.join(' ')}.`
  return { markdown: `${how}\n\n${head}${rows.join('\n')}\n`, facts: results }
}
