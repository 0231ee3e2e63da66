import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { mustRun, openIptables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'
import { cleanUp } from './cleanup.ts'

for (const family of FAMILIES) {
  test(`IPT-42 OP-14 the real tool removes all of kube-proxy's rules, and a second time has nothing to do (${family})`, async () => {
    const tool = family === 'IPv4' ? 'iptables' : 'ip6tables'
    const door = openIptables({ family, runCommand })
    const save = new URL(`../../rulesets/iptables/testdata/services-${family.toLowerCase()}.save`, import.meta.url)
    await mustRun(`${tool}-restore`, [], { input: await readFile(save, 'utf8') })
    const before = await door.save()
    assert.match(before, /KUBE-SVC-/)
    assert.match(before, /^:KUBE-PROXY-CANARY /m)
    const { chains, failures } = await cleanUp(door)
    assert.deepEqual(failures, [])
    assert.ok(chains > 10)
    const after = await door.save()
    assert.doesNotMatch(after, /KUBE-(?!FIREWALL)/)
    const others = (text: string): string[] =>
      text.split('\n').filter((line) => line.startsWith('-A ') && !line.includes('KUBE-'))
    assert.ok(others(before).length > 0)
    assert.deepEqual(others(after), others(before))
    assert.equal((await cleanUp(door)).chains, 0)
  })
}
