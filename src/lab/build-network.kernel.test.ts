/** Builds the network in the runner's fresh namespaces and speaks TCP and UDP across it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { before, test } from 'node:test'

import { inNetns, netnsPath, runCommand } from '#kernel'

import type { LabHost } from './topology.ts'
import { availableFamilies, buildNetwork } from './build-network.ts'
import { hostsOf, planTopology } from './topology.ts'

const families = await availableFamilies()
const topology = planTopology({ nodes: 2, families })
const [first, second] = topology.nodes

const LISTEN = `
require('node:net').createServer((s) => s.end(s.remoteAddress + '\\n')).listen(7000, '::', () => console.log('up'))`
const DIAL = `
const s = require('node:net').connect({ host: process.argv[1], port: 7000, timeout: 3000 })
s.on('data', (d) => process.stdout.write(d)).on('error', (e) => { console.error(e.code); process.exitCode = 1 })
s.on('timeout', () => { console.error('ETIMEDOUT'); process.exit(1) })`

async function dial(from: LabHost, address: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const [file, ...args] = inNetns(netnsPath(from.netns), [process.execPath, '-e', DIAL, address])
  return runCommand(file, args)
}

before(async () => buildNetwork(topology))

test('every host reaches every other, in both families, under its own address', async (t) => {
  for (const host of hostsOf(topology)) {
    const [file, ...args] = inNetns(netnsPath(host.netns), [process.execPath, '-e', LISTEN])
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    await once(child.stdout, 'data')
  }
  for (const from of hostsOf(topology)) {
    for (const to of hostsOf(topology)) {
      if (from === to) continue
      for (const family of families) {
        const { stdout, stderr } = await dial(from, to.addresses[family] ?? '')
        const seen = stdout.trim().replace('::ffff:', '')
        assert.equal(seen, from.addresses[family], `${from.name} to ${to.name} ${family}: ${stderr}`)
      }
    }
  }
})

test('an address of the node that no pod has is refused at once, from the node and from its neighbour', async () => {
  assert.ok(first && second)
  for (const from of [first, second, topology.controlPlane]) {
    const { stderr } = await dial(from, '10.244.1.77')
    assert.match(stderr, /EHOSTUNREACH/, from.name)
  }
})

test('a packet to nowhere is answered by the underlay instead of vanishing', async () => {
  assert.ok(first)
  const { stderr } = await dial(first, '10.96.0.77')
  assert.match(stderr, /ENETUNREACH|EHOSTUNREACH/)
})

test('the client has no way to pods and virtual addresses', async () => {
  for (const address of ['10.244.1.2', '10.96.0.10']) {
    const { stderr } = await dial(topology.client, address)
    assert.match(stderr, /ENETUNREACH/)
  }
})

test('nodes forward, the client does not', async () => {
  assert.ok(first)
  for (const [host, expected] of [
    [first, '1'],
    [topology.client, '0'],
  ] as const) {
    const [file, ...args] = inNetns(netnsPath(host.netns), ['cat', '/proc/sys/net/ipv4/ip_forward'])
    assert.equal((await runCommand(file, args)).stdout.trim(), expected, host.name)
  }
})
