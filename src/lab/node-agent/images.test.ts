import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'

import { builtinImages, resolveCommand, withoutTag } from './images.ts'

const images = { 'signalbox/echo': { entrypoint: ['node', 'echo'], defaultArgs: ['--on'] } }

const commands = [
  ['the image alone', {}, ['node', 'echo', '--on']],
  ['args replace the default arguments', { args: ['x'] }, ['node', 'echo', 'x']],
  ['a command replaces entrypoint and default arguments', { command: ['sh'] }, ['sh']],
  ['command and args', { command: ['sh'], args: ['-c', 'true'] }, ['sh', '-c', 'true']],
] as const
for (const [what, change, argv] of commands) {
  test(what, () => {
    const resolved = resolveCommand({ name: 'c', image: 'signalbox/echo:1.0', ...change }, images)
    assert.deepEqual('argv' in resolved ? resolved.argv : resolved, argv)
  })
}

test('an unknown image with a command is only a label', () => {
  const resolved = resolveCommand({ name: 'c', image: 'nginx', command: ['sleep', '1'] }, images)
  assert.deepEqual(resolved, { argv: ['sleep', '1'], env: {} })
})

test('an unknown image without a command names the image', () => {
  const resolved = resolveCommand({ name: 'c', image: 'nginx:1' }, images)
  assert.ok('reason' in resolved)
  assert.equal(resolved.reason, 'ErrImagePull')
  assert.match(resolved.message, /"nginx:1"/)
})

test('tag and digest are no part of the name, a registry port is', () => {
  assert.equal(withoutTag('host:5000/a/b'), 'host:5000/a/b')
  assert.equal(withoutTag('host:5000/a/b:v1@sha256:00'), 'host:5000/a/b')
})

test('built-in programs exist', () => {
  for (const { entrypoint } of Object.values(builtinImages())) {
    const file = entrypoint.find((word) => word.endsWith('.ts'))
    assert.ok(file === undefined || existsSync(file), file)
  }
})
