import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import type { Family } from '#lib'
import type { ConntrackDoor } from './flow.ts'
import { openConntrack } from './conntrack.ts'
import { openConntrackTool } from './conntrack-tool.ts'
import { mustRun, runCommand } from './run-command.ts'

/** Sends one datagram to each port of this host's loopback, from a port that is known. */
async function send(family: Family, from: number, ports: readonly number[]): Promise<void> {
  const socket = createSocket(family === 'IPv4' ? 'udp4' : 'udp6')
  socket.on('error', () => undefined)
  const host = family === 'IPv4' ? '127.0.0.1' : '::1'
  await new Promise<void>((resolve) => socket.bind(from, host, resolve))
  for (const port of ports) await new Promise<void>((resolve) => socket.send('x', port, host, () => resolve()))
  await new Promise<void>((resolve) => socket.close(resolve))
}

for (const family of ['IPv4', 'IPv6'] as const) {
  const ways: readonly (readonly [string, () => Promise<ConntrackDoor>])[] = [
    ['netlink', () => openConntrack({ family, runCommand })],
    ['conntrack', () => Promise.resolve(openConntrackTool({ family, runCommand }))],
  ]
  for (const [via, open] of ways) {
    test(`CT-10 UDP flows are listed, and exactly the named ones deleted (${family}, ${via})`, async () => {
      const tool = family === 'IPv4' ? 'iptables' : 'ip6tables'
      // Flows are only tracked where a rule asks for it.
      await mustRun(tool, ['-A', 'OUTPUT', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT'])
      await mustRun(tool, [
        '-t',
        'nat',
        '-A',
        'OUTPUT',
        '-p',
        'udp',
        '--dport',
        '7001',
        '-j',
        'REDIRECT',
        '--to-ports',
        '7005',
      ])
      const door = await open()
      assert.equal(door.via, via)
      await send(family, 40_001, [7001, 7002, 7003])
      const before = await door.udpFlows()
      assert.equal(before.complete, true)
      const ports = (flows: typeof before.flows): number[] =>
        flows.map(({ original }) => original.destination.port).sort((a, b) => a - b)
      assert.deepEqual(ports(before.flows), [7001, 7002, 7003])
      const translated = before.flows.find(({ original }) => original.destination.port === 7001)
      const host = family === 'IPv4' ? '127.0.0.1' : '::1'
      assert.deepEqual(translated?.reply.source, { address: host, port: 7005 })
      assert.deepEqual(translated.original.source, { address: host, port: 40_001 })
      const gone = before.flows.filter(({ original }) => original.destination.port < 7003)
      assert.deepEqual(await door.remove(gone), { removed: 2, failed: 0 })
      assert.deepEqual(await door.remove(gone), { removed: 0, failed: 0 })
      const left = await door.udpFlows()
      assert.deepEqual(ports(left.flows), [7003])
      await door.remove(left.flows)
      door.close()
      await mustRun(tool, ['-F'])
      await mustRun(tool, ['-t', 'nat', '-F'])
    })
  }
}
