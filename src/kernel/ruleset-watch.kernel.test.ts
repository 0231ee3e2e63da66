import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openIptables } from './iptables.ts'
import { openNftables } from './nftables.ts'
import { createRulesetWatch, watchedIptables } from './ruleset-watch.ts'
import { mustRun, runCommand } from './run-command.ts'

test('the kernel counts our commits as the watch does, and reading counts nothing', async () => {
  const nft = await openNftables({ family: 'ip' })
  const watch = createRulesetWatch(() => nft.generation())
  const doors = (['IPv4', 'IPv6'] as const).map((family) =>
    watchedIptables(openIptables({ family, runCommand }), watch),
  )
  assert.equal(await watch.foreign(), false)
  const chains = Array.from(
    { length: 200 },
    (_, index) => `:KUBE-T${index} - [0:0]\n-A KUBE-T${index} -j RETURN\n`,
  ).join('')
  for (const door of doors) {
    await door.restore(`*nat\n${chains}COMMIT\n`)
    await door.restore(
      '*filter\n:KUBE-A - [0:0]\nCOMMIT\n*nat\n-I KUBE-T0 -j ACCEPT\nCOMMIT\n*filter\n-X KUBE-A\nCOMMIT\n',
    )
    await door.save()
    assert.equal(await watch.foreign(), false)
  }
  await Promise.all(doors.map((door) => door.restore('*nat\n-D KUBE-T0 -j ACCEPT\nCOMMIT\n')))
  assert.equal(await watch.foreign(), false)
  await mustRun('iptables', ['-t', 'nat', '-F'])
  assert.equal(await watch.foreign(), true)
  assert.equal(await watch.foreign(), false)
  nft.close()
})
