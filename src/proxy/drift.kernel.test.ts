import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { ClusterChange } from '#api'
import { createIptablesBackend } from '#backends/iptables'
import type { IptablesDoor } from '#kernel'
import { createRulesetWatch, mustRun, openIptables, openNftables, runCommand, watchedIptables } from '#kernel'
import { FAMILIES, silentLogger, systemClock } from '#lib'
import { renderClusterProgram } from './render-cluster.ts'
import type { SyncReceipt } from './receipt.ts'
import { runProxy } from './run-proxy.ts'
import { FIXTURE_CONFIG, fixtureCluster } from './testing/fixture-cluster.ts'
import { nodeFactsOf } from '#model'

/** Ways in which other programs take our rules away; the shell runs in this namespace. */
const HARM = [
  [
    'CC-101 everything flushed and deleted in every table',
    'for t in mangle nat filter; do iptables -t $t -F; iptables -t $t -X; done',
  ],
  ['CC-102 only nat flushed', 'iptables -t nat -F'],
  [
    'CC-103 a jump deleted',
    'iptables -t nat -D OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  ],
  ['CC-104 a whole table deleted under nf_tables', 'nft delete table ip nat'],
  ['UP-17 a rule put into a chain of ours', 'iptables -I KUBE-FORWARD -j DROP'],
  ['UP-17 IPv6 flushed', 'ip6tables -t nat -F'],
] as const

test('drift of every kind is noticed and healed without waiting for the hourly sync, and watching reads nothing', async (t) => {
  const stop = new AbortController()
  const nft = await openNftables({ family: 'ip' })
  const watch = createRulesetWatch(() => nft.generation())
  let listings = 0
  const doors = FAMILIES.map((family): IptablesDoor => {
    const door = openIptables({ family, runCommand })
    const counted: IptablesDoor = { ...door, save: () => ((listings += 1), door.save()) }
    return watchedIptables(counted, watch)
  })
  const backends = doors.map(createIptablesBackend)
  let wake = (_receipt: SyncReceipt): void => undefined
  const synced = Promise.withResolvers<void>()
  const state = fixtureCluster()
  async function* changes(): AsyncGenerator<ClusterChange> {
    yield { state, dirty: new Set(), full: true }
    if (!stop.signal.aborted) await once(stop.signal, 'abort')
  }
  const running = runProxy({
    changes: changes(),
    nodeName: 'node-1',
    config: FIXTURE_CONFIG,
    backends,
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    rulesetWatch: watch,
    onSynced: synced.resolve,
    publish: (receipt) => wake(receipt),
  })
  await synced.promise
  const node = nodeFactsOf('node-1', undefined)
  const drifted = async (): Promise<boolean> => {
    for (const backend of backends) {
      const program = renderClusterProgram({ state, node, config: FIXTURE_CONFIG, family: backend.family })
      if (backend.reconcile(await backend.read(), program).sections.length > 0) return true
    }
    return false
  }
  assert.equal(await drifted(), false)

  const before = listings
  await systemClock.sleep(2500)
  assert.equal(listings, before)

  for (const [title, harm] of HARM) {
    await t.test(title, async () => {
      const repaired = new Promise<void>((resolve) => {
        wake = (receipt) => {
          if (receipt.lines > 0) resolve()
        }
      })
      await mustRun('sh', ['-c', harm])
      const from = performance.now()
      // That lines were sent proves that the harm was one; asking the kernel first would race with the repair.
      await repaired
      t.diagnostic(`${title}: healed after ${Math.round(performance.now() - from)} ms`)
      assert.equal(await drifted(), false)
    })
  }
  stop.abort()
  await running
  nft.close()
})
