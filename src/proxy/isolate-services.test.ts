import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterStateOf } from '#api'
import type { Fragment } from '#backends/iptables'
import { createIptablesBackend } from '#backends/iptables'
import { planNode } from '#dataplane'
import type { IptablesDoor } from '#kernel'
import { createFakeIptables } from '#kernel'
import { SignalboxError } from '#lib'
import { DEFAULT_PROXY_CONFIG } from './config.ts'
import { isolateServices } from './isolate-services.ts'
import { renderClusterProgram } from './render-cluster.ts'
import { FIXTURE_NODE } from './testing/fixture-cluster.ts'
import { here, service, slice } from './testing/objects.ts'

const names = ['held', 'new']
const all = renderClusterProgram({
  state: clusterStateOf({
    services: names.map((name, which) => service({ name, clusterIPs: [`10.96.0.${which + 10}`] })),
    slices: names.map((name) => slice({ name, service: name, endpoints: [here('10.244.1.1')] })),
  }),
  node: FIXTURE_NODE,
  config: DEFAULT_PROXY_CONFIG,
  family: 'IPv4',
}).services
const held = new Map([...all].filter(([key]) => key === 'ns/held'))

function isolate(door: IptablesDoor): ReturnType<typeof isolateServices<never, Fragment, never, never>> {
  const nodePlan = planNode({ config: DEFAULT_PROXY_CONFIG, node: FIXTURE_NODE, family: 'IPv4' })
  const { signal } = new AbortController()
  return isolateServices({ backend: createIptablesBackend(door), nodePlan, wanted: all, held, signal })
}

const lock = new SignalboxError('SBX_IPTABLES_LOCKED', 'somebody holds the lock')

test('a service whose turn comes while the lock is held elsewhere is not to blame', async () => {
  const fake = createFakeIptables('IPv4')
  await isolate(fake)
  fake.meddle('*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n')
  let left = 1
  const busy = (text: string): Promise<void> => (left-- > 0 ? fake.restore(text) : Promise.reject(lock))
  await assert.rejects(isolate({ ...fake, restore: busy }), lock)
  assert.deepEqual((await isolate(fake)).refused, new Map())
})

test('a lock held elsewhere does not take away the rules that were held', async () => {
  const fake = createFakeIptables('IPv4')
  await isolate(fake)
  const before = await fake.save()
  fake.failNext(lock)
  await assert.rejects(isolate(fake), lock)
  assert.equal(await fake.save(), before)
})
