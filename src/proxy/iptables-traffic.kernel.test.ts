import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIptablesBackend } from '#backends/iptables'
import { openIptables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import { trafficSuite } from './traffic.shared.ts'

trafficSuite({
  mode: 'iptables',
  backends: () =>
    Promise.resolve(FAMILIES.map((family) => createIptablesBackend(openIptables({ family, runCommand })))),
  config: { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'] },
  more: (lab) => {
    test('CC-64 a node port answers on 127.0.0.1', async () => {
      const answers = await lab().dial(undefined, { host: '127.0.0.1', port: 30080, times: 5 })
      for (const answer of answers) assert.match(answer, /^pod-[ab] 10\.244\.1\.254$/)
    })
  },
})
