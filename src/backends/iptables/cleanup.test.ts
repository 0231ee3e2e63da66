import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createFakeIptables } from '#kernel'
import { SignalboxError } from '#lib'
import { cleanUp } from './cleanup.ts'

const FOREIGN = `*mangle
:KUBE-PROXY-CANARY - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
-I INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`IPT-42 what kube-proxy wrote goes, what others wrote and KUBE-FIREWALL stay (${family})`, async () => {
    const golden = await readFile(new URL(`../../proxy/testdata/fixture-${family}.golden`, import.meta.url), 'utf8')
    const fake = createFakeIptables(family)
    if (family === 'IPv4') fake.meddle(FOREIGN)
    const before = await fake.save()
    fake.meddle(golden.replace(/^\*nat$/m, '*nat\n:KUBE-PROXY-CANARY - [0:0]\n:KUBE-SVC-10.96.0.0/24 - [0:0]'))
    fake.meddle('*filter\n:KUBE-EXT-203.0.113.0/24 - [0:0]\n-A KUBE-SERVICES -j KUBE-EXT-203.0.113.0/24\nCOMMIT\n')
    assert.notEqual(await fake.save(), before)
    const { chains, failures } = await cleanUp(fake)
    assert.deepEqual(failures, [])
    assert.ok(chains > 10)
    const left = await fake.save()
    assert.doesNotMatch(
      left,
      /KUBE-(?:SERVICES|EXTERNAL|NODEPORTS|PROXY|FORWARD|POSTROUTING|MARK-MASQ|SVC|SVL|SEP|EXT|FW-)/,
    )
    assert.match(left, /^-A INPUT -j KUBE-FIREWALL$/m)
    if (family === 'IPv4') {
      for (const line of ['-A DOCKER', ':KUBE-KUBELET-CANARY', '--dport 22 -j ACCEPT'])
        assert.ok(left.includes(line), line)
    }
    assert.deepEqual(await cleanUp(fake), { chains: 0, failures: [] })
  })
}

test('IPT-42 a chain that somebody else refers to is emptied and stays; one failing table does not stop the others', async () => {
  const fake = createFakeIptables('IPv4')
  fake.meddle(
    '*nat\n:KUBE-MARK-MASQ - [0:0]\n-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n:CNI - [0:0]\n-A CNI -j KUBE-MARK-MASQ\nCOMMIT\n',
  )
  fake.meddle('*filter\n:KUBE-FORWARD - [0:0]\n-A FORWARD -j KUBE-FORWARD\nCOMMIT\n')
  fake.failNext(new SignalboxError('SBX_IPTABLES_REJECTED', 'no'))
  const { failures } = await cleanUp(fake)
  assert.deepEqual(failures, ['IPv4 filter: no'])
  const chains = fake.ruleset().tables.get('nat')?.chains
  assert.deepEqual(chains?.get('KUBE-MARK-MASQ')?.rules, [])
  assert.equal(chains.get('CNI')?.rules.length, 1)
  assert.deepEqual((await cleanUp(fake)).failures, [])
  assert.equal(fake.ruleset().tables.get('filter')?.chains.has('KUBE-FORWARD'), false)
})
