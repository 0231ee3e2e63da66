import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('the example in README.md prints what it says', () => {
  const text = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  const [, code = '', output = ''] = /```ts\n(.*?)```.*?```text\n(.*?)```/s.exec(text) ?? []
  assert.notEqual(output, '')
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=source', '--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code],
    { cwd: fileURLToPath(new URL('../../..', import.meta.url)), encoding: 'utf8' },
  )
  assert.equal(stderr, '')
  assert.equal(stdout, output)
})
