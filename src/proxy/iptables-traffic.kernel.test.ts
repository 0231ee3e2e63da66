import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { clusterStateOf } from '#api'
import { createIptablesBackend } from '#backends/iptables'
import type { Argv } from '#kernel'
import { configureNetns, inNetns, mustRun, netnsPath, openIptables, runCommand, writeSysctls } from '#kernel'
import { silentLogger, systemClock } from '#lib'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import { runProxy } from './run-proxy.ts'
import { here, service, slice } from './testing/objects.ts'

/**
 * This namespace is the node. Pods hang on links of their own, so that every packet is routed; one more namespace is the
 * world outside. What a pod answers says who it is and whom it saw.
 */
const PODS = [
  { name: 'pod-a', four: '10.244.1.1', six: 'fd00:10:244:1::1' },
  { name: 'pod-b', four: '10.244.1.2', six: 'fd00:10:244:1::2' },
  { name: 'client', four: '10.244.1.9', six: 'fd00:10:244:1::9' },
] as const
const GATEWAY = { four: '10.244.1.254', six: 'fd00:10:244:1::fe' }
const NODE = { four: '203.0.113.11', six: 'fd00:203::11' }

const FILES = {
  echo: new URL('testing/echo-server.ts', import.meta.url),
  dial: new URL('testing/dial.ts', import.meta.url),
}
const children: ChildProcess[] = []
const stop = new AbortController()
let running: Promise<void> = Promise.resolve()

before(async () => {
  await buildNetwork()
  await Promise.all(['pod-a', 'pod-b'].map(startServer))
  const synced = Promise.withResolvers<void>()
  running = runProxy({
    changes: changes(),
    nodeName: 'node-1',
    config: { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'] },
    backends: (['IPv4', 'IPv6'] as const).map((family) => createIptablesBackend(openIptables({ family, runCommand }))),
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    onSynced: synced.resolve,
    writeSysctls,
  })
  await Promise.race([synced.promise, running])
})

after(async () => {
  stop.abort()
  await running
  for (const child of children) child.kill()
})

async function* changes(): AsyncGenerator<{
  state: ReturnType<typeof clusterStateOf>
  dirty: Set<string>
  full: boolean
}> {
  yield { state: cluster(), dirty: new Set(), full: true }
  if (!stop.signal.aborted) await once(stop.signal, 'abort')
}

function cluster(): ReturnType<typeof clusterStateOf> {
  const protocols = [
    { name: 'tcp', port: 80, protocol: 'TCP' },
    { name: 'udp', port: 80, protocol: 'UDP' },
  ] as const
  const ips = (last: number): string[] => [`10.96.0.${last}`, `fd00:10:96::${last}`]
  const behind = (owner: string, pods: readonly (typeof PODS)[number][]): ReturnType<typeof slice>[] =>
    (['four', 'six'] as const).map((side) =>
      slice({
        name: `${owner}-${side}`,
        service: owner,
        addressType: side === 'four' ? 'IPv4' : 'IPv6',
        ports: protocols.map(({ name, protocol }) => ({ name, protocol, port: 8080 })),
        endpoints: pods.map((pod) => here(pod[side])),
      }),
    )
  return clusterStateOf({
    services: [
      service({
        name: 'web',
        clusterIPs: ips(10),
        type: 'NodePort',
        ports: protocols.map((port) => ({ ...port, nodePort: 30080 })),
      }),
      service({ name: 'self', clusterIPs: ips(11), ports: protocols }),
      service({ name: 'empty', clusterIPs: ips(12), ports: protocols }),
      service({ name: 'sticky', clusterIPs: ips(13), sessionAffinity: 'ClientIP', ports: [{ name: 'tcp', port: 80 }] }),
    ],
    slices: [
      ...behind('web', PODS.slice(0, 2)),
      ...behind('self', PODS.slice(0, 1)),
      ...behind('sticky', PODS.slice(0, 2)),
    ],
  })
}

for (const side of ['four', 'six'] as const) {
  const at = (last: number): string => (side === 'four' ? `10.96.0.${last}` : `fd00:10:96::${last}`)
  const client = PODS[2][side]

  for (const protocol of ['tcp', 'udp'] as const) {
    test(`TG-7 a pod reaches every endpoint of a ClusterIP under its own address (${side}, ${protocol})`, async () => {
      const answers = await dial('client', { protocol, host: at(10), times: 30 })
      assert.deepEqual(new Set(answers), new Set([`pod-a ${client}`, `pod-b ${client}`]))
    })

    test(`TG-9 a node port answers the world outside, masqueraded (${side}, ${protocol})`, async () => {
      const answers = await dial('outside', { protocol, host: NODE[side], port: 30080, times: 30 })
      assert.deepEqual(new Set(answers), new Set([`pod-a ${GATEWAY[side]}`, `pod-b ${GATEWAY[side]}`]))
    })

    test(`TG-11 a pod reaches itself behind its own service (${side}, ${protocol})`, async () => {
      assert.deepEqual(await dial('pod-a', { protocol, host: at(11) }), [`pod-a ${GATEWAY[side]}`])
    })

    test(`EP-15 a service without endpoints refuses at once (${side}, ${protocol})`, async () => {
      assert.deepEqual(await dial('client', { protocol, host: at(12) }), ['ECONNREFUSED'])
      assert.deepEqual(await dial(undefined, { protocol, host: at(12) }), ['ECONNREFUSED'])
    })
  }

  test(`TG-7 a node process reaches a ClusterIP (${side})`, async () => {
    const answers = await dial(undefined, { protocol: 'tcp', host: at(10), times: 20 })
    assert.deepEqual(new Set(answers.map((answer) => answer.split(' ')[0])), new Set(['pod-a', 'pod-b']))
  })

  test(`TG-32 affinity keeps a client with its endpoint (${side})`, async () => {
    const answers = await dial('client', { protocol: 'tcp', host: at(13), times: 20 })
    assert.equal(new Set(answers).size, 1)
    assert.match(answers[0] ?? '', /^pod-/)
  })
}

test('CC-64 a node port answers on 127.0.0.1', async () => {
  const answers = await dial(undefined, { protocol: 'tcp', host: '127.0.0.1', port: 30080, times: 5 })
  for (const answer of answers) assert.match(answer, /^pod-[ab] 10\.244\.1\.254$/)
})

type Dial = { readonly protocol: 'tcp' | 'udp'; readonly host: string; readonly port?: number; readonly times?: number }

async function dial(from: string | undefined, { protocol, host, port = 80, times = 1 }: Dial): Promise<string[]> {
  const argv: Argv = [process.execPath, FILES.dial.pathname, protocol, host, String(port), String(times)]
  const [file, ...args] = from === undefined ? argv : inNetns(netnsPath(from), argv)
  return JSON.parse(await mustRun(file, args)) as string[]
}

async function startServer(pod: string): Promise<void> {
  const [file, ...args] = inNetns(netnsPath(pod), [process.execPath, FILES.echo.pathname, pod, '8080'])
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
}

async function buildNetwork(): Promise<void> {
  const names = [...PODS.map(({ name }) => name), 'outside']
  const veth = (name: string): string => `link add v-${name} type veth peer name eth0 netns ${name}`
  await configureNetns({
    sysctls: [
      { path: 'net/ipv4/ip_forward', value: '1' },
      { path: 'net/ipv6/conf/all/forwarding', value: '1' },
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
      'route add default via 203.0.113.5 dev v-outside',
      'route add default via fd00:203::5 dev v-outside',
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
  await inside('outside', ['203.0.113.5/24', 'fd00:203::5/64'], NODE)
}
