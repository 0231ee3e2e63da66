/** The main job, as the README promises it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { eventually, hostState, processesMarked, signalbox, SIGNALBOX } from './support/run-signalbox.ts'

type Demo = {
  passed: boolean
  requests: number
  answered: number
  pods: Record<string, number>
  mode: string
  service: { name: string; clusterIP: string }
  rules: string[]
  explanation: { endpoints: { probability: string }[]; name: { addresses: string[] }; paths: { steps: unknown[] }[] }
}

const LEADS_BY = {
  iptables: (demo: Demo): void => {
    assert.equal(demo.rules.filter((rule) => /statistic --mode random --probability/.test(rule)).length, 2)
    assert.ok(demo.rules.some((rule) => rule.startsWith('-A KUBE-SERVICES') && rule.includes(demo.service.clusterIP)))
    assert.equal(demo.rules.filter((rule) => /^-A KUBE-SEP-\S+ .*DNAT --to-destination \S+:9376/.test(rule)).length, 3)
  },
  nftables: (demo: Demo): void => {
    const element = (map: string): string => `add element ip signalbox ${map} { ${demo.service.clusterIP} . tcp . 80 `
    assert.equal(
      demo.rules.filter((rule) => /^add rule ip signalbox spread-3 dnat .*numgen random mod 3 map/.test(rule)).length,
      1,
    )
    assert.equal(
      demo.rules.filter((rule) => rule.startsWith(element('service-ips')) && rule.endsWith(': goto spread-3 }')).length,
      1,
    )
    const slots = demo.rules.filter((rule) => rule.startsWith(element('endpoints')) && rule.endsWith(' . 9376 }'))
    assert.equal(slots.length, 3)
  },
}

for (const mode of ['nftables', 'iptables'] as const) {
  test(`demo --json --mode ${mode}: 300 of 300 answered by three pods, thirds from the live rules, and the host as before`, async () => {
    const before = hostState()
    const mark = randomUUID()
    const { status, stdout, stderr } = await signalbox(['demo', '--json', '--mode', mode], {
      SIGNALBOX_TEST_MARK: mark,
    })
    assert.equal(status, 0, stderr)
    const demo = JSON.parse(stdout) as Demo
    assert.deepEqual([demo.passed, demo.requests, demo.answered, demo.mode], [true, 300, 300, mode])
    assert.deepEqual(Object.keys(demo.pods).sort(), ['my-app-1', 'my-app-2', 'my-app-3'])
    assert.equal(
      Object.values(demo.pods).reduce((sum, count) => sum + count, 0),
      300,
    )
    assert.deepEqual(
      demo.explanation.endpoints.map(({ probability }) => probability),
      ['1/3', '1/3', '1/3'],
    )
    assert.deepEqual(demo.explanation.name.addresses, [demo.service.clusterIP])
    LEADS_BY[mode](demo)
    await eventually('every process has ended', () => processesMarked(mark).length === 0)
    assert.deepEqual(hostState(), before)
  })
}

test('demo --mode nftables for people names the share, the map elements and the path', async () => {
  const { status, stdout } = await signalbox(['demo', '--mode', 'nftables'])
  assert.equal(status, 0)
  assert.match(stdout, /300 of 300 requests to http:\/\/my-service:80 answered/)
  assert.match(stdout, /my-app-1 +\d+ +\d+\.\d % +33\.3 % \(1\/3\)/)
  assert.match(stdout, /nftables mode/)
  assert.match(stdout, /add rule ip signalbox spread-3 .*numgen random mod 3 map @endpoints/)
  assert.match(stdout, /PREROUTING +signalbox services #\d+: go to spread-3/)
  assert.match(stdout, /Passed/)
})

test('demo for people names the share, the random rules and the path', async () => {
  const { status, stdout } = await signalbox(['demo'])
  assert.equal(status, 0)
  assert.match(stdout, /-A KUBE-SVC-\S+ .*--probability 0\.3333/)
  assert.match(stdout, /PREROUTING +nat KUBE-SERVICES #\d+: jump to KUBE-SVC-/)
  assert.match(stdout, /Passed/)
})

test('a mode that does not exist is a usage error that names the ones that do', async () => {
  const { status, stderr } = await signalbox(['demo', '--mode', 'ebpf'])
  assert.equal(status, 2)
  assert.match(stderr, /no proxy mode ebpf.*iptables/)
})

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`${signal} in the middle of a demo leaves no process, rule, link, mount or file behind`, async () => {
    const before = hostState()
    const mark = randomUUID()
    const tmp = mkdtempSync(join(tmpdir(), 'signalbox-demo-'))
    try {
      const env = { ...process.env, SIGNALBOX_TEST_MARK: mark, TMPDIR: tmp, XDG_STATE_HOME: tmp }
      const child = spawn(SIGNALBOX, ['demo'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
      const exited = new Promise((resolve) => child.on('exit', resolve))
      await new Promise<void>((resolve) => {
        child.stderr.on('data', (chunk: Buffer) => {
          if (chunk.includes('waiting for nodes')) resolve()
        })
      })
      assert.ok(processesMarked(mark).length > 5, 'a box is running')
      child.kill(signal)
      await exited
      await eventually('every process has ended', () => processesMarked(mark).length === 0)
      assert.deepEqual(readdirSync(tmp), [])
      assert.deepEqual(hostState(), before)
    } finally {
      rmSync(tmp, { recursive: true, force: true })
    }
  })
}
