import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printProgram } from '#backends/nftables'
import { FAMILIES } from '#lib'
import { renderNftablesProgram } from './render-cluster.ts'
import { FIXTURE_CONFIG, FIXTURE_NODE, fixtureCluster } from './testing/fixture-cluster.ts'

const config = { ...FIXTURE_CONFIG, serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'] }

for (const family of FAMILIES) {
  test(`the fixture cluster renders to its golden file (${family})`, (t) => {
    const input = { state: fixtureCluster(), node: FIXTURE_NODE, config, family }
    const file = new URL(`testdata/fixture-${family}.nft.golden`, import.meta.url).pathname
    t.assert.fileSnapshot(printProgram(renderNftablesProgram(input)), file, { serializers: [String] })
  })
}

test('rendering does not depend on the order in which services became known', () => {
  const state = fixtureCluster()
  const reversed = { ...state, services: new Map([...state.services].reverse()) }
  const print = (of: typeof state): string =>
    printProgram(renderNftablesProgram({ state: of, node: FIXTURE_NODE, config, family: 'IPv4' }))
  assert.equal(print(reversed), print(state))
})

test('chains grow with the largest number of endpoints, not with services', () => {
  const { chains } = renderedChains()
  assert.equal(chains.filter((name) => /^(?:nodeport-)?spread-\d+$/.test(name)).length, 4)
  assert.deepEqual(
    chains.filter((name) => name.includes('/') && !name.includes('ns/sticky') && !name.startsWith('firewall-')),
    [],
  )
})

function renderedChains(): { readonly chains: readonly string[] } {
  const program = renderNftablesProgram({ state: fixtureCluster(), node: FIXTURE_NODE, config, family: 'IPv4' })
  return { chains: [...printProgram(program).matchAll(/^\tchain (\S+) \{/gm)].map(([, name = '']) => name) }
}
