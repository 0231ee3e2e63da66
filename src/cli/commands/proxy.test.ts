import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { proxyCommand } from './proxy.ts'
import { PROXY_FLAGS } from './proxy-flags.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const proxy = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=source', MAIN, 'proxy', ...args], { encoding: 'utf8' })

/** A value that passes validation, by the flag's placeholder. */
const VALUES: Readonly<Record<string, string>> = {
  boolean: 'true',
  duration: '5s',
  number: '7',
  port: '7000',
  file: 'some-file',
  url: 'https://127.0.0.1:1',
  name: 'eth0',
  prefix: 'veth',
  text: 'x',
  ip: '192.0.2.1',
  address: '192.0.2.1:7001',
  cidrs: '192.0.2.0/24',
  gates: 'A=true',
  level: '2',
  pattern: 'x=1',
  format: 'json',
}

test('OP-6 OP-9 every flag is known all the way to the configuration that is written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'))
  const file = join(folder, 'written.yaml')
  const args = PROXY_FLAGS.flatMap(([flags]) => {
    const [, name = '', value = ''] = /(--[a-z-]+)(?: [<[]([a-z]+)[\]>])?$/.exec(flags) ?? []
    if (['--cleanup', '--config', '--write-config-to', '--init-only'].includes(name)) return []
    const given = { '--proxy-mode': 'iptables', '--detect-local-mode': 'NodeCIDR' }[name] ?? VALUES[value] ?? ''
    return [`${name}=${given}`]
  })
  const { status, stderr } = proxy(...args, '--write-config-to', file)
  assert.equal(stderr, '')
  assert.equal(status, 0)
  const written = readFileSync(file, 'utf8')
  for (const line of [
    'mode: iptables',
    'detectLocalMode: NodeCIDR',
    'udpStreamTimeout: 5s',
    'min: 7',
    'strictARP: true',
    'healthzBindAddress: 192.0.2.1:7000',
  ]) {
    assert.ok(written.includes(line), `${line} in\n${written}`)
  }
  rmSync(folder, { recursive: true })
})

test('OP-10 positional arguments, unknown flags and values of a wrong type are usage errors', async () => {
  const quiet = { writeErr: () => undefined }
  const lines = [
    ['web'],
    ['--no-such-flag'],
    ['--proxy-mode'],
    ['--conntrack-min', 'many'],
    ['--iptables-sync-period', '30'],
  ]
  for (const args of lines) {
    const parsed = proxyCommand().exitOverride().configureOutput(quiet).parseAsync(args, { from: 'user' })
    await assert.rejects(parsed, { code: /^(?:commander\.|SBX_CLI_USAGE)/ }, args.join(' '))
  }
})
