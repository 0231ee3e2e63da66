import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifyIptablesFailure } from './iptables-failure.ts'
import { openIptables } from './iptables.ts'

const input = '*nat\n-A NOPE -j RETURN\nCOMMIT\n'

function classify(stderr: string, status = 1): { code: string; message: string; facts: unknown } {
  const { code, message, facts } = classifyIptablesFailure({ tool: 'iptables-restore', input, status, stderr })
  return { code, message, facts }
}

test('a restore failure names its line and the line itself', () => {
  assert.deepEqual(classify('iptables-restore: line 2 failed: No chain/target/match by that name.\n'), {
    code: 'SBX_IPTABLES_NOT_FOUND',
    message: 'iptables-restore: line 2 failed: No chain/target/match by that name.',
    facts: { status: 1, line: 2, text: '-A NOPE -j RETURN' },
  })
})

test('what iptables 1.8.9 says is told apart', () => {
  const said: readonly (readonly [string, string])[] = [
    [
      'SBX_IPTABLES_LOCKED',
      'Another app is currently holding the xtables lock; still 4s 0us time ahead to have a chance',
    ],
    [
      'SBX_IPTABLES_NOT_FOUND',
      'iptables-restore: line 2 failed: Bad rule (does a matching rule exist in that chain?).\n',
    ],
    [
      'SBX_IPTABLES_NOT_FOUND',
      "iptables-restore v1.8.9 (nf_tables): Chain 'BAR' does not exist\nError occurred at line: 2\n",
    ],
    [
      'SBX_IPTABLES_REJECTED',
      "iptables-restore v1.8.9 (nf_tables): Couldn't load match `bogus':No such file or directory\n\nError occurred at line: 2\n",
    ],
    [
      'SBX_IPTABLES_REJECTED',
      'iptables-restore v1.8.9 (nf_tables): \nline 2: CHAIN_DEL failed (Device or resource busy): chain BAR\n',
    ],
  ]
  for (const [code, stderr] of said) assert.equal(classify(stderr).code, code, stderr)
})

test('the first line that says something becomes the message', () => {
  const stderr =
    'iptables-restore v1.8.9 (nf_tables): \nline 2: CHAIN_DEL failed (Device or resource busy): chain BAR\n'
  assert.equal(
    classify(stderr, 4).message,
    'iptables-restore: line 2: CHAIN_DEL failed (Device or resource busy): chain BAR',
  )
})

test('the door asks the tools of its family and reads their version', async () => {
  const calls: string[] = []
  const door = openIptables({
    family: 'IPv6',
    runCommand: (file, args, options) => {
      calls.push(`${file} ${args.join(' ')}`.trim())
      const status = options?.input === 'bad' ? 1 : 0
      return Promise.resolve({
        status,
        stdout: 'ip6tables v1.8.9 (nf_tables)\n',
        stderr: 'line 1 failed: xtables lock',
      })
    },
  })
  assert.deepEqual(await door.version(), { version: '1.8.9', variant: 'nf_tables' })
  await door.save()
  await door.restore('good')
  await assert.rejects(door.restore('bad'), { code: 'SBX_IPTABLES_LOCKED' })
  assert.deepEqual(calls, [
    'ip6tables --version',
    'ip6tables-save',
    'ip6tables-restore -w 5 --noflush',
    'ip6tables-restore -w 5 --noflush',
  ])
})
