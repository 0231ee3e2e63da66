/** The node cache's rules and addresses in a real kernel: packets are not tracked, and nothing is left in the end. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'

import { mustRun, openConntrack, runCommand } from '#kernel'
import { silentLogger } from '#lib'

import type { BypassMode } from './bypass-rules.ts'
import { holdAddresses } from './hold-addresses.ts'
import { keepBypass } from './keep-bypass.ts'

const target = { addresses: ['169.254.20.10', 'fd00:5::10'], port: 53 }

async function addresses(): Promise<string> {
  return mustRun('ip', ['-o', 'address', 'show'])
}

test('the addresses are held while they are wanted', async () => {
  const before = await addresses()
  const release = await holdAddresses(target.addresses, silentLogger)
  const held = await addresses()
  for (const address of target.addresses) assert.ok(held.includes(` ${address}/`), held)
  await (
    await holdAddresses(target.addresses, silentLogger)
  )()
  await release()
  assert.equal((await addresses()).includes('169.254.20.10'), before.includes('169.254.20.10'))
})

/** One datagram to the address and one back; the entries conntrack has of it. */
async function trackedAfterExchange(): Promise<number> {
  const server = createSocket('udp4')
  server.on('message', (packet, { port, address }) => server.send(packet, port, address))
  server.bind(53, '169.254.20.10')
  await once(server, 'listening')
  const client = createSocket('udp4')
  client.bind(0, '169.254.20.10')
  await once(client, 'listening')
  const own = client.address().port
  const reply = once(client, 'message')
  client.send('x', 53, '169.254.20.10')
  await reply
  client.close()
  server.close()
  const conntrack = await openConntrack({ family: 'IPv4', runCommand })
  const { flows } = await conntrack.udpFlows()
  conntrack.close()
  return flows.filter(({ original }) => original.source.port === own && original.destination.port === 53).length
}

const tracks = await (async () => {
  // A rule that asks for a state makes the kernel track in this namespace.
  const asked = await runCommand('iptables', [
    '-w',
    '5',
    '-A',
    'INPUT',
    '-m',
    'conntrack',
    '--ctstate',
    'NEW',
    '-j',
    'ACCEPT',
  ])
  return asked.status === 0
})()

for (const mode of ['iptables', 'nftables'] as const satisfies readonly BypassMode[]) {
  test(`${mode}: packets of the cache are not tracked, and flushed rules come back`, async (t) => {
    const release = await holdAddresses(target.addresses, silentLogger)
    const stop = new AbortController()
    t.after(async () => {
      stop.abort()
      await release()
    })
    const options = { ...target, mode, logger: silentLogger, signal: stop.signal, intervalMilliseconds: 50 }
    const remove = await keepBypass(options)
    if (tracks) assert.equal(await trackedAfterExchange(), 0)
    const [tool = '', ...flush] =
      mode === 'iptables'
        ? ['iptables', '-w', '5', '-t', 'raw', '-F']
        : ['nft', 'delete', 'table', 'inet', 'signalbox-node-cache']
    await mustRun(tool, flush)
    const list = (): Promise<string> =>
      mode === 'iptables' ? mustRun('iptables-save', ['-t', 'raw']) : mustRun('nft', ['list', 'ruleset', 'inet'])
    while (!/notrack/i.test(await list())) await new Promise((resolve) => setTimeout(resolve, 20))
    stop.abort()
    await remove()
    assert.doesNotMatch(await list(), /notrack/i)
    if (tracks) assert.ok((await trackedAfterExchange()) > 0, 'without the rules the same packets are tracked')
  })
}
