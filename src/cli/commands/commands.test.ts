/** What scripts rely on: option places, exit codes, and that every command of the design is there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'

import { buildProgram } from '../build-program.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const cli = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=source', MAIN, ...args], {
    encoding: 'utf8',
    env: { ...process.env, XDG_STATE_HOME: '/nonexistent' },
  })

test('the commands that scripts use are there', () => {
  const names = buildProgram().commands.map((command) => command.name())
  const promised = [
    'demo',
    'up',
    'down',
    'status',
    'exec',
    'shell',
    'render',
    'explain',
    'proxy',
    'dns',
    'controllers',
    'apiserver',
    'version',
  ]
  for (const name of promised) assert.ok(names.includes(name), name)
})

test('exec takes its options before or after the pod, and leaves everything after -- alone', async () => {
  const exec = buildProgram().commands.find((command) => command.name() === 'exec')
  assert.ok(exec)
  const seen: unknown[] = []
  exec.action((...given: unknown[]) => void seen.push(given.slice(0, 3)))
  await exec.parseAsync(['client', '-n', 'shop', '--', 'ls', '-n', '--', 'x'], { from: 'user' })
  assert.deepEqual(seen, [['client', ['ls', '-n', '--', 'x'], { namespace: 'shop' }]])
})

const usageErrors: readonly (readonly string[])[] = [
  ['nonsense'],
  ['explain'],
  ['explain', 'web', '--to', '10.0.0.1:80/TCP'],
  ['up', '--nodes', '0'],
  ['render', '--node', 'n1'],
  ['demo', '--mode', 'no-such-mode'],
]
for (const args of usageErrors) {
  test(`usage error: ${args.join(' ')}`, () => {
    const { status, stdout, stderr } = cli(...args)
    assert.equal(status, 2, stderr)
    assert.equal(stdout, '')
    assert.notEqual(stderr, '')
  })
}

test('no box: status says so with exit status 1, also as JSON', () => {
  const { status, stdout } = cli('status', '--json')
  assert.equal(status, 1)
  assert.equal((JSON.parse(stdout) as { running: boolean }).running, false)
})

test('version and help end with 0', () => {
  assert.match(cli('version').stdout, /^signalbox \d+\.\d+\.\d+ \(Node\.js \d+/)
  assert.equal(cli('--help').status, 0)
})
