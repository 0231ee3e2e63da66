import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Service } from '#api'
import { clusterStateOf } from '#api'
import type { FragmentChange } from '#backends/shared'
import type { Fragment } from '#backends/iptables'
import { createIptablesBackend, printProgram } from '#backends/iptables'
import { planNode } from '#dataplane'
import { mustRun, openIptables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'
import { renderKey } from './render-state.ts'
import { renderClusterProgram } from './render-cluster.ts'
import { batchesOfChanges, changingCluster, slicesOf } from './testing/arbitrary-changes.ts'
import { FIXTURE_CONFIG, FIXTURE_NODE, fixtureCluster } from './testing/fixture-cluster.ts'
import { service } from './testing/objects.ts'

const SHARED = /^-A (?:KUBE-(?:SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL)|KUBE-\S+\/\d+) /
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
    await fc.assert(
      fc.asyncProperty(batchesOfChanges, async (batches) => {
        const cluster = changingCluster()
        const held = new Map<string, Fragment>()
        const program = () =>
          renderClusterProgram({ state: cluster.state(), node: FIXTURE_NODE, config: FIXTURE_CONFIG, family })
        await backend.apply(backend.reconcile(await backend.read(), program()))
        for (const batch of batches) {
          const keys = cluster.apply(batch)
          const context = { state: cluster.state(), node: FIXTURE_NODE, nodePlan }
          const changes = [...keys].map((key): FragmentChange<Fragment> => {
            const before = held.get(key)
            const { fragment: after } = renderKey(backend, key, context)
            if (after === undefined) held.delete(key)
            else held.set(key, after)
            return { key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
          })
          await backend.apply(backend.diff(changes))
          const fresh = program()
          assert.equal(printProgram({ ...fresh, services: held }), printProgram(fresh))
          assert.equal(canonical(await door.save()), canonical(printProgram(fresh)))
        }
      }),
      { numRuns: 15, seed: 36, endOnFailure: true },
    )
  })
}

test('a tree of frontends grows and shrinks in the kernel as in a fresh render', async () => {
  for (const family of FAMILIES) {
    const backend = createIptablesBackend(openIptables({ family, runCommand }))
    const nodePlan = planNode({ config: FIXTURE_CONFIG, node: FIXTURE_NODE, family })
    const held = new Map<string, Fragment>()
    const program = () => ({ family, static: backend.renderStatic(nodePlan), services: held })
    await backend.apply(backend.reconcile(await backend.read(), program()))
    const has = new Set<number>()
    // 10 is flat; 200 is three levels deep, in nat for those with an endpoint and in filter for the others.
    for (const wanted of [10, 200, 190, 60, 3]) {
      const next = new Set(Array.from({ length: wanted }, (_, index) => (index * 89) % 250))
      const keys = [...new Set([...has, ...next])].filter((which) => has.has(which) !== next.has(which))
      const state = clusterStateOf({
        services: [...next].map(numbered),
        slices: [...next].filter((which) => which % 3 > 0).flatMap((which) => slicesOf(which, [1])),
      })
      const changes = keys.map((which): FragmentChange<Fragment> => {
        const key = `ns/s${which}`
        const before = held.get(key)
        const { fragment: after } = renderKey(backend, key, { state, node: FIXTURE_NODE, nodePlan })
        if (after === undefined) held.delete(key)
        else held.set(key, after)
        return { key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
      })
      await backend.apply(backend.diff(changes))
      for (const which of keys) void (has.has(which) ? has.delete(which) : has.add(which))
      assert.deepEqual(backend.reconcile(await backend.read(), program()).sections, [], `${family} ${wanted}`)
    }
  }
})

function numbered(which: number): Service {
  return service({
    name: `s${which}`,
    clusterIPs: [`10.96.${which % 7}.${which + 1}`, `fd00:10:96::${which % 7}:${which + 1}`],
    type: 'NodePort',
    ports: [{ port: 80, nodePort: 30200 + which }],
  })
}
