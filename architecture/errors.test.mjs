/** docs/errors.md and the sources name the same codes, each once. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

test('every error code is documented, and every documented one is raised or retired', () => {
  const raised = new Set()
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    if (/\.test\.ts$|\.shared\.ts$|\/testing\//.test(file)) continue
    for (const [code] of readFileSync(join(root, file), 'utf8').matchAll(/\bSBX_[A-Z][A-Z0-9_]+[A-Z0-9]\b/g))
      raised.add(code)
  }
  const rows = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `(SBX_\w+)` \| (.*?) \|/gm)]
  const documented = rows.map(([, code]) => code)
  assert.deepEqual(documented, [...new Set(documented)].sort(), 'sorted, each once')
  const live = rows.filter(([, , what]) => !what.startsWith('retired')).map(([, code]) => code)
  assert.deepEqual(live, [...raised].sort())
})
