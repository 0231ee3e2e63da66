import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Family } from '#lib'
import { messageOf } from '#lib'
import { createFakeIptables } from './fake/iptables.ts'
import type { IptablesDoor } from './iptables.ts'
import { openIptables } from './iptables.ts'
import { runCommand } from './run-command.ts'

/** Few names, so that transactions meet each other. */
const CHAINS = ['KUBE-A', 'KUBE-B', 'KUBE-C'] as const
const BUILT_IN = ['OUTPUT', 'PREROUTING'] as const

const chain = fc.constantFrom(...CHAINS)
const anyChain = fc.constantFrom(...CHAINS, ...CHAINS, ...BUILT_IN)
const target = fc.oneof(
  chain.map((name) => `-j ${name}`),
  fc.constantFrom('-j RETURN', '-j ACCEPT', '-j MARK --set-xmark 0x4000/0x4000'),
)
const matches = fc.constantFrom(
  '',
  '-d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 ',
  '-p udp -m comment --comment dns -m udp --dport 53 ',
  '-m statistic --mode random --probability 0.50000000000 ',
  '-m addrtype --dst-type LOCAL ',
)
const command = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(anyChain, matches, target).map(([at, m, t]) => `-A ${at} ${m}${t}`) },
  { weight: 2, arbitrary: fc.tuple(anyChain, matches, target).map(([at, m, t]) => `-I ${at} ${m}${t}`) },
  { weight: 2, arbitrary: fc.tuple(anyChain, matches, target).map(([at, m, t]) => `-D ${at} ${m}${t}`) },
  { weight: 2, arbitrary: chain.map((name) => `-X ${name}`) },
)
const transaction = fc
  .tuple(fc.uniqueArray(chain), fc.array(command, { maxLength: 5 }))
  .map(([declared, commands]) => ['*nat', ...declared.map((name) => `:${name} - [0:0]`), ...commands, 'COMMIT', ''])
  .map((lines) => lines.join('\n'))

async function attempt(door: IptablesDoor, text: string): Promise<string> {
  try {
    await door.restore(text)
    return 'accepted'
  } catch (error) {
    return `refused: ${messageOf(error)}`
  }
}

/** Without the lines that carry the time, and without tables that only the fake lists from the start. */
function natOf(saved: string): string {
  const lines = saved.split('\n').map((line) => line.trim())
  const from = lines.indexOf('*nat')
  return from < 0 ? '' : lines.slice(from, lines.indexOf('COMMIT', from)).join('\n')
}

const RESET = '*nat\n-F\n-X\nCOMMIT\n'

for (const family of ['IPv4', 'IPv6'] as const satisfies readonly Family[]) {
  test(`the fake accepts, refuses and holds what the kernel does (${family})`, async () => {
    const real = openIptables({ family, runCommand })
    // The nf_tables variant lists a table only once something was in it.
    await real.restore('*nat\n:KUBE-A - [0:0]\n-A KUBE-A -j RETURN\nCOMMIT\n')
    const translate = (text: string): string =>
      family === 'IPv4' ? text : text.replaceAll('10.96.0.10/32', 'fd00::10/128')
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { minLength: 3, maxLength: 12 }), async (transactions) => {
        await real.restore(RESET)
        const fake = createFakeIptables(family)
        for (const text of transactions.map(translate)) {
          const [said, pretended] = [await attempt(real, text), await attempt(fake, text)]
          if (said !== 'accepted') refusals += 1
          const kinds = [said, pretended].map((answer) => answer.split(':', 1)[0])
          assert.equal(kinds[1], kinds[0], `kernel ${said}\nfake ${pretended}\n${text}`)
          assert.equal(natOf(await fake.save()), natOf(await real.save()), text)
        }
      }),
      { numRuns: 25, seed: 20261128, endOnFailure: true },
    )
    assert.ok(refusals > 20, `only ${refusals} refusals were compared`)
  })
}

test('SBX_IPTABLES_NOT_FOUND and SBX_IPTABLES_REJECTED as the real tool says them', async () => {
  const real = openIptables({ family: 'IPv4', runCommand })
  assert.equal((await real.version()).version.split('.')[0], '1')
  await assert.rejects(real.restore('*filter\n-X NOPE\nCOMMIT\n'), {
    code: 'SBX_IPTABLES_NOT_FOUND',
    facts: { status: 1, line: 2, text: '-X NOPE' },
  })
  await assert.rejects(real.restore('*filter\n-A INPUT -m bogus\nCOMMIT\n'), { code: 'SBX_IPTABLES_REJECTED' })
})
