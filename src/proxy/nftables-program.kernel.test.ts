import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FragmentChange } from '#backends/shared'
import type { Fragment, NftablesBackend, Program } from '#backends/nftables'
import { createNftablesBackend, isEmpty, nftFamily, printProgram } from '#backends/nftables'
import { planNode } from '#dataplane'
import type { NftablesDoor } from '#kernel'
import { mustRun, openNftables } from '#kernel'
import type { Family } from '#lib'
import { FAMILIES, SignalboxError } from '#lib'
import { renderKey } from './render-state.ts'
import { renderNftablesProgram } from './render-cluster.ts'
import { batchesOfChanges, changingCluster } from './testing/arbitrary-changes.ts'
import { FIXTURE_CONFIG, FIXTURE_NODE, fixtureCluster } from './testing/fixture-cluster.ts'

const config = { ...FIXTURE_CONFIG, serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'] }

const nft = (text: string): Promise<string> => mustRun('nft', ['-f', '-'], { input: text })
const listed = (family: Family): Promise<string> => mustRun('nft', ['list', 'table', nftFamily(family), 'signalbox'])
const fixture = (family: Family): Program =>
  renderNftablesProgram({ state: fixtureCluster(), node: FIXTURE_NODE, config, family })

/** What `nft` lists, or we print: objects in one order, elements of a set in one order. */
function canonical(text: string): string {
  return text
    .split(/\n(?=\t(?:set|map|chain) )/)
    .map((object) =>
      object.replace(/\t\telements = \{([\s\S]*?) \}\n(?=\t\})/, (_, elements: string) => {
        const sorted = elements.split(',').map((element) => element.trim())
        return `${sorted.sort().join('\n')}\n`
      }),
    )
    .map((object) => object.replace(/\n\}\n$/, '').trim())
    .sort()
    .join('\n')
}

async function load(backend: NftablesBackend, program: Program): Promise<void> {
  await backend.apply(backend.reconcile(await backend.read(), program))
}

for (const family of FAMILIES) {
  const golden = new URL(`testdata/fixture-${family}.nft.golden`, import.meta.url)
  const opened = openNftables({ family: nftFamily(family) })

  test(`the golden file is what nft takes and gives back (${family})`, async () => {
    const text = await readFile(golden, 'utf8')
    await nft('flush ruleset')
    await nft(text)
    assert.equal(canonical(await listed(family)), canonical(text))
  })

  test(`a program is loaded, nft lists it as printed, and a second reconcile has nothing to do (${family})`, async () => {
    await nft('flush ruleset')
    const backend = createNftablesBackend(await opened)
    assert.deepEqual(await backend.probe(), [])
    await load(backend, fixture(family))
    assert.equal(canonical(await listed(family)), canonical(printProgram(fixture(family))))
    assert.ok(isEmpty(backend.reconcile(await backend.read(), fixture(family))))
  })

  test(`drift of every kind is undone, and what others own stays (${family})`, async () => {
    await nft('flush ruleset')
    const backend = createNftablesBackend(await opened)
    await load(backend, fixture(family))
    const foreign = `table ${nftFamily(family)} kube-proxy {\n\tchain services {\n\t\treturn\n\t}\n}\n`
    await nft(foreign)
    const table = `${nftFamily(family)} signalbox`
    const [daddr, address] = family === 'IPv4' ? ['ip daddr', '10.96.0.11'] : ['ip6 daddr', 'fd00:10:96::11']
    await nft(
      [
        `delete element ${table} service-ips { ${address} . tcp . 80 }`,
        `add element ${table} service-ips { ${address} . udp . 80 : drop }`,
        `add chain ${table} stale`,
        `add rule ${table} stale drop`,
        `add set ${table} stale-set { type inet_service; elements = { 1 }; }`,
        `flush chain ${table} masquerading`,
        `insert rule ${table} services ${daddr} ${address} drop`,
        `flush set ${table} cluster-ips`,
        `flush chain ${table} nat-postrouting`,
        `delete chain ${table} nat-postrouting`,
        `flush chain ${table} filter-input`,
        `delete chain ${table} filter-input`,
        `add chain ${table} filter-input { type filter hook input priority 7; policy accept; }`,
        '',
      ].join('\n'),
    )
    await load(backend, fixture(family))
    assert.equal(canonical(await listed(family)), canonical(printProgram(fixture(family))))
    assert.equal(await mustRun('nft', ['list', 'table', nftFamily(family), 'kube-proxy']), foreign)
    assert.ok(isEmpty(backend.reconcile(await backend.read(), fixture(family))))
  })

  test(`a table of another make is replaced (${family})`, async () => {
    await nft('flush ruleset')
    await nft(
      `table ${nftFamily(family)} signalbox { set cluster-ips { type inet_service; }; chain x { tcp dport @cluster-ips drop; }; }`,
    )
    const backend = createNftablesBackend(await opened)
    await load(backend, fixture(family))
    assert.equal(canonical(await listed(family)), canonical(printProgram(fixture(family))))
  })

  test(`a load that does not fit into one batch goes in several, with the same end (${family})`, async () => {
    await nft('flush ruleset')
    const door = await opened
    const sizes: number[] = []
    const backend = createNftablesBackend(smallDoor(door, { limit: 5000, onBatch: (bytes) => void sizes.push(bytes) }))
    await load(backend, fixture(family))
    assert.ok(sizes.length > 3, `${sizes.length} batches`)
    assert.equal(canonical(await listed(family)), canonical(printProgram(fixture(family))))
    await load(backend, { ...fixture(family), services: new Map() })
    assert.equal(canonical(await listed(family)), canonical(printProgram({ ...fixture(family), services: new Map() })))
  })

  test(`NFT-25 what affinity has learned outlives changes, another timeout included (${family})`, async () => {
    await nft('flush ruleset')
    const backend = createNftablesBackend(await opened)
    const program = fixture(family)
    await load(backend, program)
    const set = [...(await listed(family)).matchAll(/set (affinity-\S+)/g)][0]?.[1] ?? ''
    const client = family === 'IPv4' ? '10.244.1.77' : 'fd00:10:244:1::77'
    await nft(`add element ${nftFamily(family)} signalbox ${set} { ${client} timeout 1h }`)
    const state = fixtureCluster()
    const sticky = state.services.get('ns/sticky')
    assert.ok(sticky !== undefined)
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 7200 } }
    const changed = { ...sticky, spec: { ...sticky.spec, sessionAffinityConfig } }
    const services = new Map(state.services).set('ns/sticky', changed)
    const input = { state: { ...state, services }, node: FIXTURE_NODE, config, family }
    await load(backend, renderNftablesProgram(input))
    assert.match(await listed(family), /timeout 2h \}/)
    assert.match(
      await mustRun('nft', ['list', 'set', nftFamily(family), 'signalbox', set]),
      new RegExp(`${client} timeout 1h`),
    )
  })

  test(`any sequence of changes ends where a fresh render starts (${family})`, async () => {
    await nft('flush ruleset')
    const backend = createNftablesBackend(await opened)
    const nodePlan = planNode({ config, node: FIXTURE_NODE, family })
    await fc.assert(
      fc.asyncProperty(batchesOfChanges, async (batches) => {
        const cluster = changingCluster()
        const held = new Map<string, Fragment>()
        const program = (): Program =>
          renderNftablesProgram({ state: cluster.state(), node: FIXTURE_NODE, config, family })
        await load(backend, program())
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
          assert.equal(canonical(await listed(family)), canonical(printProgram(fresh)))
        }
      }),
      { numRuns: 15, seed: 36, endOnFailure: true },
    )
  })
}

/** As the door is where nobody may send much at once. */
function smallDoor(
  door: NftablesDoor,
  { limit, onBatch }: { readonly limit: number; readonly onBatch: (bytes: number) => void },
): NftablesDoor {
  return {
    ...door,
    apply: async (batch) => {
      const elements = batch.changes.reduce(
        (sum, change) => sum + ('elements' in change ? change.elements.length : 3),
        0,
      )
      if (elements * 50 > limit) throw new SignalboxError('SBX_NETLINK_TOO_LARGE', 'too large')
      const applied = await door.apply(batch)
      onBatch(applied.bytes)
      return applied
    },
  }
}
