import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNftablesBackend, nftFamily } from '#backends/nftables'
import { openNftables } from '#kernel'
import { FAMILIES } from '#lib'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import { NODE } from './testing/traffic-lab.ts'
import { addressOf, trafficSuite } from './traffic.shared.ts'

trafficSuite({
  mode: 'nftables',
  backends: () =>
    Promise.all(
      FAMILIES.map(async (family) => createNftablesBackend(await openNftables({ family: nftFamily(family) }))),
    ),
  config: {
    ...DEFAULT_PROXY_CONFIG,
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
    serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    localhostNodePorts: false,
  },
  more: (lab) => {
    for (const side of ['four', 'six'] as const) {
      test(`NFT-9 a port that no service has on a cluster IP is refused, an address that none has is silent (${side})`, async () => {
        assert.deepEqual(await lab().dial('client', { host: addressOf(10, side), port: 81 }), ['ECONNREFUSED'])
        assert.deepEqual(await lab().dial(undefined, { host: addressOf(10, side), port: 81 }), ['ECONNREFUSED'])
        assert.deepEqual(await lab().dial('client', { host: addressOf(99, side), patience: 500 }), ['timeout'])
      })
    }

    test('CC-64 a node port does not answer on loopback, and does on every other address', async () => {
      assert.deepEqual(await lab().dial(undefined, { host: '127.0.0.1', port: 30080 }), ['ECONNREFUSED'])
      assert.match((await lab().dial(undefined, { host: NODE.four, port: 30080 }))[0] ?? '', /^pod-/)
    })
  },
})
