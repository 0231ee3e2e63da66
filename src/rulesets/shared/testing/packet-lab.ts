/**
 * A router with five hosts around it, to see what the kernel does with real packets. The router is the network namespace
 * of the test itself; each host is a namespace of its own behind a veth pair.
 *
 *   client (1)   alpha (2)   beta (3)   gamma (4)   sink (5), which owns the virtual addresses nobody translates
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import type { Family } from '#lib'

import type { HostFacts } from '../packet.ts'
import type { Probe, Report, Sighting } from './traffic-agent.ts'

export const HOSTS = ['client', 'alpha', 'beta', 'gamma', 'sink'] as const
export type HostName = (typeof HOSTS)[number] | 'router'

/** Of a host, and of the router's end of its link. */
export function addressOf(family: Family, host: Exclude<HostName, 'router'>, end: 'host' | 'router' = 'host'): string {
  const number = HOSTS.indexOf(host) + 1
  const last = end === 'router' ? 1 : 2
  return family === 'IPv4' ? `10.1.${number}.${last}` : `fd00:1:${number}::${last}`
}

export function virtualAddress(family: Family, number: 1 | 2): string {
  return family === 'IPv4' ? `10.96.0.${number}` : `fd00:96::${number}`
}

/** Nobody listens there. */
export const LOOPBACK = ['127.0.0.1', '::1']

/** What the router knows, in the evaluator's terms. */
export function routerFacts(family: Family): HostFacts {
  const own = new Set([...HOSTS.map((host) => addressOf(family, host, 'router')), ...LOOPBACK])
  return {
    addressType: (address) => (own.has(address) ? 'LOCAL' : 'UNICAST'),
    route: (destination) => {
      if (own.has(destination)) return { outInterface: 'lo', source: destination }
      const host = hostOf(family, destination)
      return host === undefined ? undefined : { outInterface: host, source: addressOf(family, host, 'router') }
    },
    interfaceAddress: (name) =>
      HOSTS.map((host) => (host === name ? addressOf(family, host, 'router') : '')).find(Boolean),
  }
}

/** Who owns an address; the virtual ones are the sink's. */
export function hostOf(family: Family, address: string): Exclude<HostName, 'router'> | undefined {
  if (address === virtualAddress(family, 1) || address === virtualAddress(family, 2)) return 'sink'
  return HOSTS.find((host) => addressOf(family, host) === address)
}

export type PacketLab = AsyncDisposable & {
  /** Replaces all iptables rules of the family. */
  load(family: Family, text: string): void
  /** Replaces all nftables rules of all families, by text for `nft -f`. */
  loadNft(text: string): void
  send(from: HostName, probe: Omit<Probe, 'id' | 'sourcePort'> & { readonly sourcePort?: number }): Promise<Sighting>
  /** A port no flow of this lab has used yet: conntrack remembers the old ones. */
  freshPort(): number
}

/** iptables-restore leaves alone what a text does not name. */
const EMPTY_TABLES = [
  '*mangle\n:PREROUTING ACCEPT\n:FORWARD ACCEPT\nCOMMIT\n',
  '*nat\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n',
  '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n',
]

export async function createPacketLab(): Promise<PacketLab> {
  for (const [at, host] of HOSTS.entries()) addHost(host, at + 1)
  const allowed = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding']
  for (const key of allowed) writeFileSync(`/proc/sys/${key}`, '1')
  setSysctls([])
  const agents = new Map<HostName, Agent>()
  const own = (host: (typeof HOSTS)[number], end: 'host' | 'router') =>
    (['IPv4', 'IPv6'] as const).map((family) => addressOf(family, host, end))
  const started = HOSTS.map(async (host) => {
    const virtual = host === 'sink' ? (['IPv4', 'IPv6'] as const).flatMap(bothVirtual) : []
    agents.set(host, await startAgent(host, [...own(host, 'host'), ...virtual]))
  })
  const router = HOSTS.flatMap((host) => own(host, 'router'))
  await Promise.all([...started, startAgent('router', router).then((agent) => agents.set('router', agent))])
  let lastPort = 20_000
  const freshPort = (): number => {
    lastPort += 1
    return lastPort
  }
  return {
    freshPort,
    load: (family, text) => {
      const others = EMPTY_TABLES.filter((empty) => !text.includes(`${empty.split('\n', 1)[0]}\n`))
      run(family === 'IPv4' ? 'iptables-restore' : 'ip6tables-restore', [], [text, ...others].join(''))
    },
    loadNft: (text) => run('nft', ['-f', '-'], `flush ruleset\n${text}`),
    send: (from, probe) => {
      const agent = agents.get(from)
      if (agent === undefined) throw new Error(`there is no host ${from}`)
      return agent.send({ sourcePort: freshPort(), ...probe })
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.stop()))
      for (const host of HOSTS) run('ip', ['netns', 'delete', host])
    },
  }
}

function addHost(host: (typeof HOSTS)[number], number: number): void {
  const inside = (...args: string[]): void => run('ip', ['-n', host, ...args])
  const here = `02:00:00:00:0${number}:01`
  const there = `02:00:00:00:0${number}:02`
  run('ip', ['netns', 'add', host])
  run('ip', [
    'link',
    'add',
    host,
    'address',
    here,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'address',
    there,
    'netns',
    host,
  ])
  setSysctls(['netns', 'exec', host])
  run('ip', ['link', 'set', host, 'up'])
  inside('link', 'set', 'lo', 'up')
  inside('link', 'set', 'eth0', 'up')
  for (const family of ['IPv4', 'IPv6'] as const) {
    const [router, own] = [addressOf(family, host, 'router'), addressOf(family, host)]
    const length = family === 'IPv4' ? 24 : 64
    const flags = family === 'IPv4' ? [] : ['nodad']
    run('ip', ['address', 'add', `${router}/${length}`, 'dev', host, ...flags])
    inside('address', 'add', `${own}/${length}`, 'dev', 'eth0', ...flags)
    inside('route', 'add', 'default', 'via', router)
    // Neighbour discovery is ICMPv6 and would be at the mercy of the rules under test.
    run('ip', ['neighbour', 'replace', own, 'lladdr', there, 'dev', host, 'nud', 'permanent'])
    inside('neighbour', 'replace', router, 'lladdr', here, 'dev', 'eth0', 'nud', 'permanent')
    if (host !== 'sink') continue
    for (const address of bothVirtual(family)) {
      inside('address', 'add', `${address}/${family === 'IPv4' ? 32 : 128}`, 'dev', 'lo', ...flags)
      run('ip', ['route', 'add', address, 'via', own, 'dev', host])
    }
  }
}

function bothVirtual(family: Family): string[] {
  return [virtualAddress(family, 1), virtualAddress(family, 2)]
}

/** No limits on ICMP errors, which are what a refusal is made of, and no advice about better routes. */
function setSysctls(prefix: readonly string[]): void {
  const settings = [
    'net/ipv4/icmp_ratelimit=0',
    'net/ipv6/icmp/ratelimit=0',
    'net/ipv4/conf/all/rp_filter=0',
    'net/ipv4/conf/default/rp_filter=0',
    'net/ipv4/conf/all/accept_redirects=0',
    'net/ipv4/conf/all/send_redirects=0',
    'net/ipv4/conf/default/send_redirects=0',
    'net/ipv6/conf/all/accept_redirects=0',
    'net/ipv6/conf/default/accept_redirects=0',
  ]
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split('=')
    if (prefix.length === 0) writeFileSync(`/proc/sys/${key}`, value)
    else run('ip', [...prefix, 'tee', `/proc/sys/${key}`], value)
  }
}

type Agent = { send(probe: Omit<Probe, 'id'>): Promise<Sighting>; stop(): Promise<void> }

async function startAgent(host: HostName, addresses: readonly string[]): Promise<Agent> {
  const script = fileURLToPath(new URL('traffic-agent.ts', import.meta.url))
  const node = [process.execPath, '--conditions=source', script, host, ...addresses]
  const [file = '', ...args] = host === 'router' ? node : ['ip', 'netns', 'exec', host, ...node]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map<number, (sighting: Sighting) => void>()
  const lines = createInterface({ input: child.stdout })
  await new Promise<void>((resolve, reject) => {
    lines.once('line', () => resolve())
    child.once('exit', () => reject(new Error(`the agent of ${host} did not start`)))
  })
  lines.on('line', (line) => {
    const report = JSON.parse(line) as Report
    waiting.get(report.id)?.(report.sighting)
    waiting.delete(report.id)
  })
  let lastId = 0
  return {
    send: (probe) =>
      new Promise((resolve) => {
        lastId += 1
        waiting.set(lastId, resolve)
        child.stdin.write(`${JSON.stringify({ ...probe, id: lastId })}\n`)
      }),
    stop: () => stopped(child),
  }
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.stdin?.end()
  })
}

function run(file: string, args: readonly string[], input = ''): void {
  const { status, stderr, error } = spawnSync(file, args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr}\n${input}`)
}
