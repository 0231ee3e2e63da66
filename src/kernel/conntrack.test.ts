import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignalboxError } from '#lib'
import { openConntrackTool, parseFlow } from './conntrack-tool.ts'

test('a line of the tool is a flow in both directions', () => {
  const line =
    'udp      17 29 src=10.244.1.9 dst=10.96.0.10 sport=40000 dport=53 [UNREPLIED] src=10.244.2.2 dst=10.244.1.9 sport=5353 dport=40000 mark=0 use=1'
  assert.deepEqual(parseFlow(line), {
    original: { source: { address: '10.244.1.9', port: 40000 }, destination: { address: '10.96.0.10', port: 53 } },
    reply: { source: { address: '10.244.2.2', port: 5353 }, destination: { address: '10.244.1.9', port: 40000 } },
  })
  const six = parseFlow(
    'udp      17 1 src=fd00:0:0:0::1 dst=fd00::10 sport=1 dport=2 src=fd00::10 dst=fd00::1 sport=2 dport=1 mark=0',
  )
  assert.equal(six?.original.source.address, 'fd00::1')
  assert.equal(
    parseFlow(
      'tcp      6 1 ESTABLISHED src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1',
    ),
    undefined,
  )
  assert.equal(parseFlow('conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.'), undefined)
})

test('CT-10 the tool: a flow that is gone is no failure, and one failure does not stop the others', async () => {
  const asked: string[][] = []
  const answers = [
    { status: 1, stdout: '', stderr: 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.\n' },
    { status: 1, stdout: '', stderr: 'conntrack v1.4.7: Operation failed: no rights\n' },
    { status: 0, stdout: '', stderr: '' },
  ]
  const door = openConntrackTool({
    family: 'IPv6',
    runCommand: (_file, args) => {
      asked.push([...args])
      const next = answers.shift()
      return next === undefined
        ? Promise.reject(new SignalboxError('SBX_COMMAND_KILLED', 'too many'))
        : Promise.resolve(next)
    },
  })
  const end = (port: number): { address: string; port: number } => ({ address: 'fd00::1', port })
  const flow = { original: { source: end(1), destination: end(2) }, reply: { source: end(3), destination: end(1) } }
  assert.deepEqual(await door.remove([flow, flow, flow]), { removed: 1, failed: 1 })
  assert.deepEqual(
    asked[0],
    '-D -f ipv6 -p udp --orig-src fd00::1 --orig-dst fd00::1 --sport 1 --dport 2 --reply-src fd00::1'.split(' '),
  )
})
