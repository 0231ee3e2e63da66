import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EndpointSlice, Service } from '#api'
import { clusterStateOf } from '#api'
import type { FragmentChange } from '#backends/shared'
import type { Fragment } from '#backends/iptables'
import { createIptablesBackend, printProgram } from '#backends/iptables'
import { planNode } from '#dataplane'
import { mustRun, openIptables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'
import { renderKey } from './render-state.ts'
import { renderClusterProgram } from './render-cluster.ts'
import { FIXTURE_CONFIG, FIXTURE_NODE, fixtureCluster } from './testing/fixture-cluster.ts'
import { here, service, slice, there } from './testing/objects.ts'

const SHARED = /^-A (?:KUBE-SERVICES|KUBE-NODEPORTS|KUBE-EXTERNAL-SERVICES|KUBE-PROXY-FIREWALL) /
const LAST = /must be the last rule in this chain/

/** Saved or printed rules, the two tables of ours alone, with entries of different services in one order. */
function canonical(text: string): string {
  const out: string[] = []
  for (const table of ['filter', 'nat']) {
    const lines = text.split('\n').map((line) => line.trim())
    const from = lines.indexOf(`*${table}`)
    if (from < 0) continue
    const section = lines.slice(from, lines.indexOf('COMMIT', from)).map((line) => line.replace(/ \[\d+:\d+\]$/, ''))
    const shared = section.filter((line) => SHARED.test(line))
    const last = section.filter((line) => line.startsWith('-A KUBE-SERVICES ')).at(-1)
    assert.ok(last === undefined || table === 'filter' || LAST.test(last), 'the node-port jump is not the last rule')
    out.push(...section.filter((line) => !SHARED.test(line)), ...shared.sort())
  }
  return out.join('\n')
}

for (const family of FAMILIES) {
  const door = openIptables({ family, runCommand })
  const tool = family === 'IPv4' ? 'iptables' : 'ip6tables'
  const empty = (): Promise<string> =>
    mustRun(`${tool}-restore`, [], {
      input:
        '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n',
    })

  test(`the golden file is what the kernel takes and gives back (${family})`, async () => {
    const golden = await readFile(new URL(`testdata/fixture-${family}.golden`, import.meta.url), 'utf8')
    await mustRun(`${tool}-restore`, [], { input: golden })
    assert.equal(canonical(await door.save()), canonical(golden))
  })

  test(`a program is loaded, read back equal, and a second reconcile has nothing to do (${family})`, async () => {
    await empty()
    const backend = createIptablesBackend(door)
    const program = renderClusterProgram({
      state: fixtureCluster(),
      node: FIXTURE_NODE,
      config: FIXTURE_CONFIG,
      family,
    })
    await backend.apply(backend.reconcile(await backend.read(), program))
    assert.equal(canonical(await door.save()), canonical(printProgram(program)))
    assert.deepEqual(backend.reconcile(await backend.read(), program).sections, [])
  })

  test(`drift of every kind is undone, and what others own stays (${family})`, async () => {
    await empty()
    const backend = createIptablesBackend(door)
    const program = renderClusterProgram({
      state: fixtureCluster(),
      node: FIXTURE_NODE,
      config: FIXTURE_CONFIG,
      family,
    })
    await backend.apply(backend.reconcile(await backend.read(), program))
    const foreign =
      '*nat\n:DOCKER - [0:0]\n-A DOCKER -j RETURN\n-A POSTROUTING -j DOCKER\nCOMMIT\n*filter\n-I INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n'
    await door.restore(foreign)
    const withForeign = canonical(await door.save())
    const chains = [...program.services.values()].flatMap(({ chains: own }) => [...own.keys()])
    await door.restore(
      [
        '*nat',
        ':KUBE-SVC-STALESTALESTALE - [0:0]',
        ':KUBE-SEP-STALESTALESTALE - [0:0]',
        '-A KUBE-SVC-STALESTALESTALE -j KUBE-SEP-STALESTALESTALE',
        `:${chains[0] ?? ''} - [0:0]`,
        '-A KUBE-SERVICES -j RETURN',
        '-D POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
        ':KUBE-MARK-MASQ - [0:0]',
        'COMMIT',
        '*filter',
        '-I KUBE-EXTERNAL-SERVICES -j ACCEPT',
        'COMMIT',
        '',
      ].join('\n'),
    )
    await backend.apply(backend.reconcile(await backend.read(), program))
    // A jump that is put back goes to the top, and never in between (IPT-6).
    const jump = /^-A POSTROUTING .*\n?/gm
    const without = (text: string): string => text.replace(jump, '')
    assert.equal(without(canonical(await door.save())), without(withForeign))
    assert.deepEqual(backend.reconcile(await backend.read(), program).sections, [])
  })

  test(`any sequence of changes ends where a fresh render starts (${family})`, async () => {
    await empty()
    const backend = createIptablesBackend(door)
    const nodePlan = planNode({ config: FIXTURE_CONFIG, node: FIXTURE_NODE, family })
    const step = fc.record({ which: fc.integer({ min: 0, max: 3 }), service: shapes, endpoints })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 8 }),
        async (batches) => {
          const services = new Map<string, Service>()
          const slices = new Map<string, EndpointSlice[]>()
          const held = new Map<string, Fragment>()
          const state = (): ReturnType<typeof clusterStateOf> =>
            clusterStateOf({ services: [...services.values()], slices: [...slices.values()].flat() })
          const program = () =>
            renderClusterProgram({ state: state(), node: FIXTURE_NODE, config: FIXTURE_CONFIG, family })
          await backend.apply(backend.reconcile(await backend.read(), program()))
          for (const batch of batches) {
            for (const { which, service: shape, endpoints: pods } of batch) {
              const key = `ns/s${which}`
              if (shape === undefined) services.delete(key)
              else services.set(key, shape(which))
              slices.set(key, slicesOf(which, pods))
            }
            const keys = new Set(batch.map(({ which }) => `ns/s${which}`))
            const changes = [...keys].map((key): FragmentChange<Fragment> => {
              const before = held.get(key)
              const { fragment: after } = renderKey(backend, key, { state: state(), node: FIXTURE_NODE, nodePlan })
              if (after === undefined) held.delete(key)
              else held.set(key, after)
              return { key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
            })
            await backend.apply(backend.diff(changes))
            const fresh = program()
            assert.equal(printProgram({ ...fresh, services: held }), printProgram(fresh))
            assert.equal(canonical(await door.save()), canonical(printProgram(fresh)))
          }
        },
      ),
      { numRuns: 15, seed: 36, endOnFailure: true },
    )
  })
}

type Shape = ((which: number) => Service) | undefined

const clusterIPs = (which: number): string[] => [`10.96.1.${which + 1}`, `fd00:10:96::1:${which + 1}`]

const shapes: fc.Arbitrary<Shape> = fc.constantFrom<Shape[]>(
  undefined,
  (which) => service({ name: `s${which}`, clusterIPs: clusterIPs(which) }),
  (which) => service({ name: `s${which}`, clusterIPs: clusterIPs(which), sessionAffinity: 'ClientIP' }),
  (which) =>
    service({
      name: `s${which}`,
      clusterIPs: clusterIPs(which),
      type: 'NodePort',
      internalTrafficPolicy: 'Local',
      ports: [{ port: 80, nodePort: 30100 + which }],
      externalIPs: ['203.0.113.9', 'fd00:203::9'],
    }),
  (which) =>
    service({
      name: `s${which}`,
      clusterIPs: clusterIPs(which),
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 32100 + which,
      ports: [{ port: 80, nodePort: 30100 + which }],
      vips: ['198.51.100.7', 'fd00:198::7'],
      loadBalancerSourceRanges: ['203.0.113.0/24', 'fd00:203::/32'],
    }),
)

const endpoints = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 4 })

/** Odd ones are on this node; 5 and 6 are on their way out. */
function slicesOf(which: number, pods: readonly number[]): EndpointSlice[] {
  return (['IPv4', 'IPv6'] as const).map((addressType) => {
    const at = (pod: number): string =>
      addressType === 'IPv4' ? `10.244.${(pod % 2) + 1}.${pod}` : `fd00:10:244:${(pod % 2) + 1}::${pod}`
    const made = pods.map((pod) => (pod % 2 === 1 ? here : there)(at(pod), pod > 4 ? 'terminating' : 'ready'))
    return slice({ name: `s${which}-${addressType}`, service: `s${which}`, addressType, endpoints: made })
  })
}
