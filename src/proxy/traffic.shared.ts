/** What every mode must do to real packets, TCP and UDP, IPv4 and IPv6. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ClusterState } from '#api'
import { clusterStateOf } from '#api'
import type { Backend } from '#backends/shared'
import type { ProxyConfig } from './config.ts'
import { here, service, slice, there } from './testing/objects.ts'
import type { TrafficLab } from './testing/traffic-lab.ts'
import { GATEWAY, NODE, OUTSIDE, PODS, startTrafficLab } from './testing/traffic-lab.ts'

export const protocols = [
  { name: 'tcp', port: 80, protocol: 'TCP' },
  { name: 'udp', port: 80, protocol: 'UDP' },
] as const

/** How long nothing must come before it counts as never. */
const SILENCE = 500

export type TrafficMode<S, F, T, L> = {
  readonly mode: string
  readonly backends: () => Promise<readonly Backend<S, F, T, L>[]>
  readonly config: ProxyConfig
  /** Tests of the mode's own. */
  readonly more?: (lab: () => TrafficLab) => void
}

type Pod = (typeof PODS)[number]
const [podA, podB] = PODS

export function trafficSuite<S, F, T, L>(under: TrafficMode<S, F, T, L>): void {
  let lab: TrafficLab | undefined
  const running = (): TrafficLab => {
    assert.ok(lab !== undefined, 'the lab has started')
    return lab
  }
  before(async () => {
    lab = await startTrafficLab({ backends: await under.backends(), config: under.config, state: cluster() })
  })
  after(async () => lab?.stop())
  const dial: TrafficLab['dial'] = (from, what) => running().dial(from, what)
  const names = (answers: readonly string[]): Set<string | undefined> =>
    new Set(answers.map((answer) => answer.split(' ')[0]))

  for (const side of ['four', 'six'] as const) {
    const at = (last: number): string => addressOf(last, side)
    const client = PODS[2][side]

    for (const protocol of ['tcp', 'udp'] as const) {
      void test(`TG-7 a pod reaches every endpoint of a ClusterIP under its own address (${side}, ${protocol})`, async () => {
        const answers = await dial('client', { protocol, host: at(10), times: 30 })
        assert.deepEqual(new Set(answers), new Set([`pod-a ${client}`, `pod-b ${client}`]))
      })

      void test(`TG-9 a node port answers the world outside, masqueraded (${side}, ${protocol})`, async () => {
        const answers = await dial('outside', { protocol, host: NODE[side], port: 30080, times: 30 })
        assert.deepEqual(new Set(answers), new Set([`pod-a ${GATEWAY[side]}`, `pod-b ${GATEWAY[side]}`]))
      })

      void test(`TG-11 a pod reaches itself behind its own service (${side}, ${protocol})`, async () => {
        assert.deepEqual(await dial('pod-a', { protocol, host: at(11) }), [`pod-a ${GATEWAY[side]}`])
      })

      void test(`EP-15 a service without endpoints refuses at once (${side}, ${protocol})`, async () => {
        assert.deepEqual(await dial('client', { protocol, host: at(12) }), ['ECONNREFUSED'])
        assert.deepEqual(await dial(undefined, { protocol, host: at(12) }), ['ECONNREFUSED'])
      })

      void test(`TG-10 external policy Local keeps the client's address, and short-circuits pods (${side}, ${protocol})`, async () => {
        const outside = { protocol, host: NODE[side], port: 30081, times: 8 } as const
        assert.deepEqual(new Set(await dial('outside', outside)), new Set([`pod-a ${OUTSIDE[side]}`]))
        assert.deepEqual(new Set(await dial('client', outside)), new Set([`pod-a ${client}`]))
      })
    }

    void test(`EP-17 external policy Local without a local endpoint is silence (${side})`, async () => {
      assert.deepEqual(await dial('outside', { host: NODE[side], port: 30082, patience: SILENCE }), ['timeout'])
    })

    void test(`EP-16 internal policy Local without a local endpoint is silence (${side})`, async () => {
      assert.deepEqual(await dial('client', { host: at(15), patience: SILENCE }), ['timeout'])
    })

    void test(`TG-20 source ranges open a load-balancer address to some (${side})`, async () => {
      const [open, closed] = side === 'four' ? ['198.51.100.1', '198.51.100.2'] : ['fd00:198::1', 'fd00:198::2']
      assert.deepEqual(await dial('outside', { host: open }), [`pod-a ${GATEWAY[side]}`])
      assert.deepEqual(await dial('outside', { host: closed, patience: SILENCE }), ['timeout'])
      assert.deepEqual(await dial('client', { host: closed, patience: SILENCE }), ['timeout'])
    })

    void test(`TG-7 a node process reaches a ClusterIP (${side})`, async () => {
      assert.deepEqual(names(await dial(undefined, { host: at(10), times: 20 })), new Set(['pod-a', 'pod-b']))
    })

    void test(`TG-32 CC-85 affinity keeps a client with its endpoint, by whatever frontend (${side})`, async () => {
      const answers = await dial('outside', { host: NODE[side], port: 30083, times: 10 })
      const more = await dial('outside', { host: at(13), times: 10 })
      assert.equal(names([...answers, ...more]).size, 1)
      assert.match(answers[0] ?? '', /^pod-/)
    })

    void test(`TG-34 CC-87 affinity yields when the endpoint goes, and pins anew (${side})`, async () => {
      const [first = ''] = await dial('client', { host: at(13) })
      const left = PODS.filter((pod) => !first.startsWith(pod.name)).slice(0, 1)
      await running().change(cluster({ sticky: left }), ['ns/sticky'])
      assert.deepEqual(names(await dial('client', { host: at(13), times: 5 })), new Set(left.map(({ name }) => name)))
      await running().change(cluster(), ['ns/sticky'])
      assert.deepEqual(names(await dial('client', { host: at(13), times: 10 })), new Set(left.map(({ name }) => name)))
    })

    void test(`no connection fails while the endpoints come and go (${side})`, async () => {
      const dialled = dial('client', { host: at(10), times: 200, patience: 3000 })
      let open = true
      void dialled.finally(() => (open = false))
      const lists: readonly (readonly Pod[])[] = [[podA], [podB], [podA, podB]]
      let changes = 0
      while (open) {
        const web = lists[changes % lists.length] ?? []
        await running().change(cluster({ web }), ['ns/web'])
        changes += 1
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      assert.ok(changes > 3, `${changes} changes`)
      assert.deepEqual(names(await dialled), new Set(['pod-a', 'pod-b']))
      await running().change(cluster(), ['ns/web'])
    })
  }
  under.more?.(running)
}

export function addressOf(last: number, side: 'four' | 'six'): string {
  return side === 'four' ? `10.96.0.${last}` : `fd00:10:96::${last}`
}

/** Enough services without further interest that structures made for many show. */
const FILLERS = Array.from({ length: 60 }, (_, which) => which)

function cluster(lists: { readonly web?: readonly Pod[]; readonly sticky?: readonly Pod[] } = {}): ClusterState {
  const ips = (last: number): string[] => [addressOf(last, 'four'), addressOf(last, 'six')]
  const behind = (owner: string, pods: readonly Pod[], made = here): ReturnType<typeof slice>[] =>
    (['four', 'six'] as const).map((side) =>
      slice({
        name: `${owner}-${side}`,
        service: owner,
        addressType: side === 'four' ? 'IPv4' : 'IPv6',
        ports: protocols.map(({ name, protocol }) => ({ name, protocol, port: 8080 })),
        endpoints: pods.map((pod) => made(pod[side])),
      }),
    )
  const both = [podA, podB]
  const external = (nodePort: number, shape: Parameters<typeof service>[0]) =>
    service({ type: 'NodePort', ports: protocols.map((port) => ({ ...port, nodePort })), ...shape })
  const guarded = (name: string, last: number, ranges: readonly string[]) =>
    service({
      name,
      clusterIPs: ips(last),
      type: 'LoadBalancer',
      ports: [{ name: 'tcp', port: 80 }],
      vips: [`198.51.100.${last - 15}`, `fd00:198::${last - 15}`],
      loadBalancerSourceRanges: ranges,
    })
  return clusterStateOf({
    services: [
      external(30080, { name: 'web', clusterIPs: ips(10) }),
      service({ name: 'self', clusterIPs: ips(11), ports: protocols }),
      service({ name: 'empty', clusterIPs: ips(12), ports: protocols }),
      service({
        name: 'sticky',
        clusterIPs: ips(13),
        sessionAffinity: 'ClientIP',
        type: 'NodePort',
        ports: [{ name: 'tcp', port: 80, nodePort: 30083 }],
      }),
      external(30081, { name: 'local', clusterIPs: ips(14), externalTrafficPolicy: 'Local' }),
      external(30082, {
        name: 'elsewhere',
        clusterIPs: ips(15),
        externalTrafficPolicy: 'Local',
        internalTrafficPolicy: 'Local',
      }),
      guarded('open', 16, ['203.0.113.0/24', 'fd00:203::/64']),
      guarded('closed', 17, ['192.0.2.0/24', 'fd00:999::/64']),
      ...FILLERS.map((which) => service({ name: `f${which}`, clusterIPs: ips(100 + which) })),
    ],
    slices: [
      ...behind('web', lists.web ?? both),
      ...behind('self', [podA]),
      ...behind('sticky', lists.sticky ?? both),
      ...behind('local', [podA]),
      ...behind('elsewhere', [podA], there),
      ...behind('open', [podA]),
      ...behind('closed', [podA]),
      ...FILLERS.filter((which) => which < 30).flatMap((which) => behind(`f${which}`, [podA])),
    ],
  })
}
