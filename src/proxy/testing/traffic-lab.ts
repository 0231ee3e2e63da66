/**
 * Real packets through a real proxy. This namespace is the node; pods hang on links of their own, so that every packet is
 * routed; one more namespace is the world outside. What a pod answers says who it is and whom it saw.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ClusterChange, ClusterState } from '#api'
import type { Backend } from '#backends/shared'
import type { Argv } from '#kernel'
import { configureNetns, inNetns, mustRun, netnsPath, writeSysctls } from '#kernel'
import { silentLogger, systemClock } from '#lib'
import type { ProxyConfig } from '../config.ts'
import type { SyncReceipt } from '../receipt.ts'
import type { RunProxyOptions } from '../run-proxy.ts'
import { runProxy } from '../run-proxy.ts'

export const PODS = [
  { name: 'pod-a', four: '10.244.1.1', six: 'fd00:10:244:1::1' },
  { name: 'pod-b', four: '10.244.1.2', six: 'fd00:10:244:1::2' },
  { name: 'client', four: '10.244.1.9', six: 'fd00:10:244:1::9' },
] as const
export const GATEWAY = { four: '10.244.1.254', six: 'fd00:10:244:1::fe' }
export const NODE = { four: '203.0.113.11', six: 'fd00:203::11' }
export const OUTSIDE = { four: '203.0.113.5', six: 'fd00:203::5' }

export type Dial = {
  readonly protocol?: 'tcp' | 'udp'
  readonly host: string
  readonly port?: number
  readonly times?: number
  /** Milliseconds after which an attempt is answered by `timeout`. */
  readonly patience?: number
}

export type TrafficLab = {
  /** What each attempt was answered; from this node's own processes without a name. */
  dial(from: string | undefined, dial: Dial): Promise<string[]>
  /** Resolves when the kernel has it. */
  change(state: ClusterState, dirty: readonly string[]): Promise<void>
  stop(): Promise<void>
}

const FILES = {
  echo: new URL('echo-server.ts', import.meta.url).pathname,
  dial: new URL('dial.ts', import.meta.url).pathname,
}

export async function startTrafficLab<S, F, T, L>(options: {
  readonly backends: readonly Backend<S, F, T, L>[]
  readonly config: ProxyConfig
  readonly state: ClusterState
  /** What else the proxy is given. */
  readonly also?: Pick<RunProxyOptions<S, F, T, L>, 'conntrack' | 'hostAddresses'>
}): Promise<TrafficLab> {
  await buildNetwork()
  const servers = await Promise.all(['pod-a', 'pod-b'].map(startServer))
  const stop = new AbortController()
  const feed = createFeed(stop.signal)
  const synced = Promise.withResolvers<void>()
  const running = runProxy({
    changes: feed.changes(),
    nodeName: 'node-1',
    config: options.config,
    backends: options.backends,
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    onSynced: synced.resolve,
    publish: feed.onReceipt,
    writeSysctls,
    ...options.also,
  })
  void feed.push({ state: options.state, dirty: new Set(), full: true })
  await Promise.race([synced.promise, running])
  return {
    dial,
    change: (state, dirty) => feed.push({ state, dirty: new Set(dirty), full: false }),
    stop: async () => {
      stop.abort()
      await running
      for (const server of servers) server.kill()
    },
  }
}

type Feed = {
  changes(): AsyncGenerator<ClusterChange>
  push(change: ClusterChange): Promise<void>
  readonly onReceipt: (receipt: SyncReceipt) => void
}

/** A change is done when both families have said so. */
function createFeed(signal: AbortSignal): Feed {
  const queue: ClusterChange[] = []
  let wake = Promise.withResolvers<void>()
  let missing = 0
  let done = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => wake.resolve(), { once: true })
  return {
    changes: async function* () {
      while (!signal.aborted) {
        const next = queue.shift()
        if (next !== undefined) yield next
        else {
          await wake.promise
          wake = Promise.withResolvers()
        }
      }
    },
    push: (change) => {
      queue.push(change)
      missing = 2
      done = Promise.withResolvers()
      wake.resolve()
      return done.promise
    },
    onReceipt: ({ error }) => {
      if (error !== undefined) done.reject(new Error(error.message))
      missing -= 1
      if (missing <= 0) done.resolve()
    },
  }
}

async function dial(
  from: string | undefined,
  { protocol = 'tcp', host, port = 80, times = 1, patience = 5000 }: Dial,
): Promise<string[]> {
  const argv: Argv = [process.execPath, FILES.dial, protocol, host, String(port), String(times), String(patience)]
  const [file, ...args] = from === undefined ? argv : inNetns(netnsPath(from), argv)
  return JSON.parse(await mustRun(file, args)) as string[]
}

async function startServer(pod: string): Promise<ChildProcess> {
  const [file, ...args] = inNetns(netnsPath(pod), [process.execPath, FILES.echo, pod, '8080'])
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function buildNetwork(): Promise<void> {
  const names = [...PODS.map(({ name }) => name), 'outside']
  const veth = (name: string): string => `link add v-${name} type veth peer name eth0 netns ${name}`
  await configureNetns({
    sysctls: [
      { path: 'net/ipv4/ip_forward', value: '1' },
      { path: 'net/ipv6/conf/all/forwarding', value: '1' },
      // Refusals are answers here, not noise.
      { path: 'net/ipv4/icmp_ratelimit', value: '0' },
      { path: 'net/ipv6/icmp/ratelimit', value: '0' },
    ],
    lines: [
      ...names.flatMap((name) => [`netns add ${name}`, veth(name)]),
      ...PODS.flatMap(({ name, four, six }) => [
        `addr add ${GATEWAY.four}/32 dev v-${name}`,
        `addr add ${GATEWAY.six}/128 dev v-${name} nodad`,
        `link set v-${name} up`,
        `route add ${four}/32 dev v-${name}`,
        `route add ${six}/128 dev v-${name}`,
      ]),
      `addr add ${NODE.four}/24 dev v-outside`,
      `addr add ${NODE.six}/64 dev v-outside nodad`,
      'link set v-outside up',
      // Without a route to it a ClusterIP is unreachable before any rule of filter sees the packet.
      `route add default via ${OUTSIDE.four} dev v-outside`,
      `route add default via ${OUTSIDE.six} dev v-outside`,
    ],
  })
  const inside = (name: string, addresses: readonly string[], gateway: typeof GATEWAY): Promise<void> =>
    configureNetns({
      netns: netnsPath(name),
      lines: [
        'link set lo up',
        ...addresses.map((address) => `addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`),
        'link set eth0 up',
        `route add default via ${gateway.four} dev eth0 onlink`,
        `route add default via ${gateway.six} dev eth0 onlink`,
      ],
    })
  for (const { name, four, six } of PODS) await inside(name, [`${four}/32`, `${six}/128`], GATEWAY)
  await inside('outside', [`${OUTSIDE.four}/24`, `${OUTSIDE.six}/64`], NODE)
}
