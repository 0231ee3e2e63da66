import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Flow, FlowEnd } from '#kernel'
import { createFakeConntrack } from '#kernel'
import { silentLogger, SignalboxError, systemClock } from '#lib'
import { createFlowReconciler } from './reconcile-flows.ts'
import type { FactsChange, ServiceFacts, UdpPort } from './service-facts.ts'

const NODE = '172.18.0.11'
const unserved = { internal: false, external: false }

function end(text: string): FlowEnd {
  const [address = '', port] = text.split(':')
  return { address, port: Number(port) }
}

/** A client's flow to `to`, answered by `from`; translated or, if they are the same, not. */
function flow(to: string, from: string): Flow {
  const client = end('10.244.1.9:40000')
  return { original: { source: client, destination: end(to) }, reply: { source: end(from), destination: client } }
}

function dns(shape: Partial<UdpPort> = {}): ServiceFacts {
  const frontends = ['10.96.0.10:53', '198.51.100.7:53', '203.0.113.9:53']
  return { udp: [{ frontends, nodePort: 30053, serving: ['10.244.1.1:53', '10.244.2.1:53'], ...shape }], unserved }
}

/** What is left of the flows after a service went from one shape to another. */
async function left(
  flows: readonly Flow[],
  change: Omit<FactsChange, 'key'>,
  others: readonly ServiceFacts[] = [],
): Promise<Flow[]> {
  const door = createFakeConntrack('IPv4')
  door.add(...flows)
  const reconcile = createFlowReconciler({
    door,
    clock: systemClock,
    logger: silentLogger,
    nodeAddresses: () => [NODE],
  })
  const served = [...(change.after === undefined ? [] : [change.after]), ...others]
  await reconcile([{ key: 'ns/dns', ...change }], new Map(served.map((facts, index) => [`ns/${index}`, facts])))
  return [...door.flows()]
}

const FRONTENDS = ['10.96.0.10:53', '198.51.100.7:53', '203.0.113.9:53', `${NODE}:30053`]
const gone = FRONTENDS.map((frontend) => flow(frontend, '10.244.1.7:53'))
const kept = FRONTENDS.map((frontend) => flow(frontend, '10.244.1.1:53'))
const was = dns({ serving: ['10.244.1.1:53', '10.244.1.7:53', '10.244.2.1:53'] })

test('CC-145 CC-146 CT-5 flows to an endpoint that is gone are deleted, through every kind of frontend', async () => {
  assert.deepEqual(await left([...gone, ...kept], { before: was, after: dns() }), kept)
})

test('CC-147 flows to an old target port of the same pod are deleted', async () => {
  const old = flow('10.96.0.10:53', '10.244.1.1:5353')
  assert.deepEqual(await left([old, ...kept], { before: was, after: dns() }), kept)
})

test('CC-149 another port of the same address is kept', async () => {
  const other = flow('10.96.0.10:54', '10.244.1.7:53')
  assert.deepEqual(await left([other], { before: was, after: dns() }), [other])
})

test('CC-150 a flow that nobody translated is deleted', async () => {
  assert.deepEqual(await left([flow('10.96.0.10:53', '10.96.0.10:53')], { after: dns() }), [])
})

test('CC-151 CT-8 a service without serving endpoints keeps no flow', async () => {
  assert.deepEqual(await left([...gone, ...kept], { before: dns(), after: dns({ serving: [] }) }), [])
})

test('CT-9 a deleted service keeps no flow, and a lost frontend none of its own', async () => {
  assert.deepEqual(await left(kept, { before: dns() }), [])
  const after = dns({ frontends: ['10.96.0.10:53'] })
  assert.deepEqual(await left(kept, { before: dns(), after }), [kept[0], kept[3]])
})

test('CT-9 a frontend that another service has taken over keeps the flows of that one', async () => {
  const other: ServiceFacts = { udp: [{ frontends: ['203.0.113.9:53'], serving: ['10.244.3.3:53'] }], unserved }
  const flows = [flow('203.0.113.9:53', '10.244.3.3:53'), flow('203.0.113.9:53', '10.244.1.1:53')]
  assert.deepEqual(await left(flows, { before: dns() }, [other]), [flows[0]])
})

test('CT-6 a node port number on an address that is not this node is none of ours', async () => {
  const through = flow('8.8.8.8:30053', '8.8.8.8:30053')
  const loopback = flow('127.0.0.1:30053', '10.244.1.7:53')
  assert.deepEqual(await left([through, loopback], { before: was, after: dns() }), [through])
})

test('CT-1 CC-154 the table is not listed unless a UDP service changed', async () => {
  const door = createFakeConntrack('IPv4')
  const reconcile = createFlowReconciler({ door, clock: systemClock, logger: silentLogger, nodeAddresses: () => [] })
  const tcp: ServiceFacts = { unserved }
  assert.equal(
    await reconcile(
      [
        { key: 'ns/web', after: tcp },
        { key: 'ns/old', before: tcp },
      ],
      new Map(),
    ),
    undefined,
  )
  assert.equal(await reconcile([{ key: 'ns/dns', before: dns(), after: dns() }], new Map()), undefined)
  assert.equal(door.listings(), 0)
  await reconcile([{ key: 'ns/dns', after: dns() }], new Map([['ns/dns', dns()]]))
  assert.equal(door.listings(), 1)
})

test('CC-155 an interrupted listing cleans what it has shown', async () => {
  const door = createFakeConntrack('IPv4')
  door.add(...gone)
  door.interruptNext(1)
  const reconcile = createFlowReconciler({ door, clock: systemClock, logger: silentLogger, nodeAddresses: () => [] })
  const receipt = await reconcile([{ key: 'ns/dns', after: dns() }], new Map([['ns/dns', dns()]]))
  assert.equal(receipt?.removed, 1)
})

test('CT-2 what a failed listing owed is done after the next sync', async () => {
  const door = createFakeConntrack('IPv4')
  door.add(...gone.slice(0, 1))
  door.failNext(new SignalboxError('SBX_CONNTRACK_FAILED', 'no'))
  const reconcile = createFlowReconciler({ door, clock: systemClock, logger: silentLogger, nodeAddresses: () => [] })
  const served = new Map([['ns/dns', dns()]])
  assert.equal(await reconcile([{ key: 'ns/dns', before: was, after: dns() }], served), undefined)
  assert.equal((await reconcile([], served))?.removed, 1)
  assert.equal(await reconcile([], served), undefined)
})
