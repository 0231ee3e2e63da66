import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printProgram } from '#backends/iptables'
import { FAMILIES } from '#lib'
import { renderClusterProgram } from './render-cluster.ts'
import { FIXTURE_CONFIG, FIXTURE_NODE, fixtureCluster } from './testing/fixture-cluster.ts'

for (const family of FAMILIES) {
  test(`the fixture cluster renders to its golden file (${family})`, (t) => {
    const input = { state: fixtureCluster(), node: FIXTURE_NODE, config: FIXTURE_CONFIG, family }
    const file = new URL(`testdata/fixture-${family}.golden`, import.meta.url).pathname
    t.assert.fileSnapshot(printProgram(renderClusterProgram(input)), file, { serializers: [String] })
  })
}

test('rendering does not depend on the order in which services became known', () => {
  const state = fixtureCluster()
  const reversed = { ...state, services: new Map([...state.services].reverse()) }
  const print = (of: typeof state): string =>
    printProgram(renderClusterProgram({ state: of, node: FIXTURE_NODE, config: FIXTURE_CONFIG, family: 'IPv4' }))
  assert.equal(print(reversed), print(state))
})
