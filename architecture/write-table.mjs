/** Writes the folder table of ARCHITECTURE.md from layers.mjs. With --check: only says whether it is up to date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { layers } from './layers.mjs'

const path = fileURLToPath(new URL('../ARCHITECTURE.md', import.meta.url))

export function withTable(text) {
  const rows = Object.entries(layers).map(
    ([folder, { rank, holds, imports }]) => `| ${rank} | \`${folder}\` | ${holds} | ${imports.join(', ') || '-'} |`,
  )
  const table = ['| rank | folder | holds | may import |', '|---|---|---|---|', ...rows].join('\n')
  return text.replace(/(<!-- layers:[^>]*-->\n)[\s\S]*?(<!-- \/layers -->)/, `$1${table}\n$2`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = readFileSync(path, 'utf8')
  const wanted = withTable(text)
  if (process.argv.includes('--check')) {
    if (text !== wanted)
      console.error('ARCHITECTURE.md: the folder table is stale; run node architecture/write-table.mjs')
    process.exit(text === wanted ? 0 : 1)
  }
  writeFileSync(path, wanted)
}
