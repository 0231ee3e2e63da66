/** Plants one violation of each kind in a small house and expects the check to name it. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'

import { checkLayers } from './check-layers.mjs'

const house = {
  'package.json': JSON.stringify({ dependencies: { yaml: '1' }, devDependencies: { 'fast-check': '1' } }),
  'src/lib/index.ts': `export { a } from './a.ts'\n`,
  'src/lib/a.ts': `export const a = 1\n`,
  'src/api/index.ts': `export { b } from './b.ts'\n`,
  'src/api/b.ts': `import { a } from '#lib'\nexport const b = a\n`,
  'src/model/index.ts': `export { m } from './m.ts'\n`,
  'src/model/m.ts': `import { b } from '#api'\nexport const m = b\n`,
  'src/backends/shared/index.ts': `export const s = 1\n`,
  'src/backends/iptables/index.ts': `import { s } from '#backends/shared'\nexport const i = s\n`,
  'src/backends/nftables/index.ts': `export const n = 1\n`,
  'src/app/index.ts': `export { i } from '#backends/iptables'\nexport { n } from '#backends/nftables'\nexport { m } from '#model'\n`,
  'src/cli/main.ts': `import { i } from '#app'\nimport { parse } from 'yaml'\nexport const x = [i, parse]\n`,
}

const planted = [
  [
    'a value import upwards',
    'src/api/b.ts',
    `import { m } from '#model'\nexport const b = m\n`,
    /src\/api\/b\.ts: imports model, which api may not/,
  ],
  [
    'a type-only import upwards',
    'src/lib/a.ts',
    `import type { b } from '#api'\nexport const a: typeof b = 1\n`,
    /src\/lib\/a\.ts: imports api/,
  ],
  [
    'an import past the index',
    'src/model/m.ts',
    `import { b } from '../api/b.ts'\nexport const m = b\n`,
    /reaches into api by a relative path/,
  ],
  [
    'an import past the index by subpath',
    'src/model/m.ts',
    `import { b } from '#api/b'\nexport const m = b\n`,
    /enters api past its index/,
  ],
  [
    'a sibling backend',
    'src/backends/iptables/index.ts',
    `import { n } from '#backends/nftables'\nexport const i = n\n`,
    /imports its sibling backends\/nftables/,
  ],
  [
    'a built-in outside its folder',
    'src/model/m.ts',
    `import { spawn } from 'node:child_process'\nexport const m = spawn\n`,
    /imports node:child_process, which model may not/,
  ],
  [
    'a built-in without the node: prefix',
    'src/model/m.ts',
    `import { readFileSync } from 'fs'\nexport const m = readFileSync\n`,
    /imports node:fs, which model may not/,
  ],
  [
    'a dynamic import upwards',
    'src/lib/a.ts',
    `export const a = await import('#model')\n`,
    /src\/lib\/a\.ts: imports model/,
  ],
  [
    'a cycle',
    'src/lib/a.ts',
    `export { a as c } from './index.ts'\nexport const a = 1\n`,
    /import cycle: src\/lib\/.* -> /,
  ],
  ['an orphan', 'src/model/lost.ts', `export const lost = 1\n`, /src\/model\/lost\.ts: nothing reaches this file/],
  [
    'a development package in product code',
    'src/model/m.ts',
    `import fc from 'fast-check'\nexport const m = fc\n`,
    /imports fast-check, a development package/,
  ],
  [
    'a package that is not declared',
    'src/model/m.ts',
    `import x from 'left-pad'\nexport const m = x\n`,
    /imports left-pad, which package\.json does not name/,
  ],
  [
    'a folder that the table does not name',
    'src/misc/index.ts',
    `import { a } from '#lib'\nexport const z = a\n`,
    /folder src\/misc is not in/,
  ],
  [
    'a test imported by product code',
    'src/model/m.ts',
    `export { t as m } from './m.test.ts'\n`,
    /imports the test file/,
  ],
]

let clean

before(() => {
  clean = mkdtempSync(join(tmpdir(), 'signalbox-layers-'))
  for (const [path, text] of Object.entries(house)) write(clean, path, text)
  write(clean, 'src/model/m.test.ts', `export const t = 1\n`)
})
after(() => rmSync(clean, { recursive: true }))

test('a clean house has no violations', () => {
  assert.deepEqual(checkLayers(clean), [])
})

for (const [name, path, text, expected] of planted) {
  test(`${name} is reported`, () => {
    const copy = mkdtempSync(join(tmpdir(), 'signalbox-layers-'))
    try {
      cpSync(clean, copy, { recursive: true })
      write(copy, path, text)
      const problems = checkLayers(copy)
      assert.ok(
        problems.some((problem) => expected.test(problem)),
        `expected ${expected}, got:\n${problems.join('\n')}`,
      )
    } finally {
      rmSync(copy, { recursive: true })
    }
  })
}

function write(root, path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
