/** Real packets where there are enough services for trees in nat and in filter, and flows that outlive their endpoint. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ClusterState } from '#api'
import { clusterStateOf } from '#api'
import { createIptablesBackend } from '#backends/iptables'
import type { ConntrackDoor } from '#kernel'
import { mustRun, openConntrack, openIptables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import { here, service, slice } from './testing/objects.ts'
import type { TrafficLab } from './testing/traffic-lab.ts'
import { NODE, PODS, startTrafficLab } from './testing/traffic-lab.ts'

const [podA, podB] = PODS
const SERVICES = Array.from({ length: 60 }, (_, which) => which)
const hasEndpoint = (which: number): boolean => which % 2 === 0
const addressOf = (which: number, side: 'four' | 'six'): string =>
  side === 'four' ? `10.96.${which % 5}.${which + 1}` : `fd00:10:96::${which % 5}:${which + 1}`

function cluster(webPods: readonly (typeof PODS)[number][] = [podA, podB]): ClusterState {
  const behind = (owner: string, pods: readonly (typeof PODS)[number][], protocol: 'TCP' | 'UDP') =>
    (['four', 'six'] as const).map((side) =>
      slice({
        name: `${owner}-${side}`,
        service: owner,
        addressType: side === 'four' ? 'IPv4' : 'IPv6',
        ports: [{ name: '', protocol, port: 8080 }],
        endpoints: pods.map((pod) => here(pod[side])),
      }),
    )
  return clusterStateOf({
    services: [
      ...SERVICES.map((which) =>
        service({
          name: `s${which}`,
          clusterIPs: [addressOf(which, 'four'), addressOf(which, 'six')],
          type: 'NodePort',
          ports: [{ port: 80, nodePort: 30_100 + which }],
        }),
      ),
      service({ name: 'udp', clusterIPs: ['10.96.9.9', 'fd00:10:96::9:9'], ports: [{ port: 53, protocol: 'UDP' }] }),
    ],
    slices: [
      ...SERVICES.filter(hasEndpoint).flatMap((which) => behind(`s${which}`, [podA], 'TCP')),
      ...behind('udp', webPods, 'UDP'),
    ],
  })
}

let lab: TrafficLab
let conntrack: readonly ConntrackDoor[] = []

before(async () => {
  conntrack = await Promise.all(FAMILIES.map((family) => openConntrack({ family, runCommand })))
  lab = await startTrafficLab({
    backends: FAMILIES.map((family) => createIptablesBackend(openIptables({ family, runCommand }))),
    config: { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'] },
    state: cluster(),
    also: { conntrack },
  })
})
after(async () => {
  await lab.stop()
  for (const door of conntrack) door.close()
})

test('there are trees in nat and in filter, of addresses and of ports', async () => {
  const rules = await mustRun('iptables-save', [])
  assert.match(rules, /^-A KUBE-SERVICES -d [\d.]+\/\d+ -j KUBE-SVC-[\d.]+\/\d+$/m)
  assert.match(rules, /-j KUBE-EXT-tcp-\d+\/\d+$/m)
  assert.match(rules.slice(rules.indexOf('*filter')), /-[jg] KUBE-SVC-[\d.]+\/\d+$/m)
})

for (const side of ['four', 'six'] as const) {
  test(`through a tree, a service answers, one without endpoints refuses, another address is nobody's (${side})`, async () => {
    for (const which of [0, 22, 58, 59]) {
      const answers = await lab.dial('client', { host: addressOf(which, side) })
      const answer = hasEndpoint(which) ? `pod-a ${PODS[2][side]}` : 'ECONNREFUSED'
      assert.deepEqual(answers, [answer], `s${which}`)
    }
    const [answer] = await lab.dial('outside', { host: NODE[side], port: 30_100 + 44 })
    assert.match(answer ?? '', /^pod-a /)
    const refused = await lab.dial('outside', { host: NODE[side], port: 30_100 + 45 })
    assert.deepEqual(refused, ['ECONNREFUSED'])
  })

  test(`CT-5 UDP flows to an endpoint that is gone are deleted, the others go on (${side})`, async () => {
    const host = side === 'four' ? '10.96.9.9' : 'fd00:10:96::9:9'
    const door = conntrack.find(({ family }) => family === (side === 'four' ? 'IPv4' : 'IPv6'))
    const endpoints = async (): Promise<Set<string>> => {
      const { flows } = (await door?.udpFlows()) ?? { flows: [] }
      const mine = flows.filter(({ original }) => original.destination.address === host)
      return new Set(mine.map(({ reply }) => reply.source.address))
    }
    await lab.dial('client', { protocol: 'udp', host, port: 53, times: 30 })
    assert.deepEqual(await endpoints(), new Set([podA[side], podB[side]]))
    await lab.change(cluster([podA]), ['ns/udp'])
    assert.deepEqual(await endpoints(), new Set([podA[side]]))
    // CT-8: none left serves, none is kept.
    await lab.change(cluster([]), ['ns/udp'])
    assert.deepEqual(await endpoints(), new Set())
    await lab.change(cluster(), ['ns/udp'])
  })
}
