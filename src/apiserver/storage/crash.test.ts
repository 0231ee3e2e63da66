/** kill -9 while writing (api-server.md 16.1 #6, 20): what was acknowledged is there, and no revision comes twice. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

import { hasCode, systemClock } from '#lib'
import type { WriterVerb } from '../testing/crash-writer.ts'
import { writeUntilKilled } from '../testing/crash-writer.ts'
import { createStore, openDatabase } from './index.ts'

// The same file is the writer when it is started with a path.
const writerPath = process.env['SIGNALBOX_CRASH_WRITER']
if (writerPath !== undefined) await writeUntilKilled(writerPath)

const ROUNDS = 6
const folder = mkdtempSync(join(tmpdir(), 'signalbox-crash-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Output of a writer that is killed once it has printed `lines` lines; a torn last line is dropped. */
async function writeAndKill(path: string, lines: number): Promise<string[]> {
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, fileURLToPath(import.meta.url)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], SIGNALBOX_CRASH_WRITER: path },
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.on('close', resolve))
  return output.split('\n').slice(0, -1)
}

describe('a server that is killed', () => {
  it(`keeps every acknowledged write over ${ROUNDS} kills and never reuses a revision`, async () => {
    const path = join(folder, 'store.db')
    const acknowledged = new Map<string, { revision: number; deleted: boolean }>()
    const seen = new Set<number>()
    const maybeDeleted = new Set<string>()
    let highest = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const [opened, ...lines] = await writeAndKill(path, 3 + ((round * 37) % 90))
      assert.ok(Number(opened?.split(' ')[2]) >= highest, 'the counter went back')
      assert.ok(lines.length > 0)
      for (const line of lines) {
        const [verb, key = '', text] = line.split(' ') as [WriterVerb, string?, string?]
        const revision = Number(text)
        if (verb === 'try') {
          maybeDeleted.add(key)
          continue
        }
        maybeDeleted.delete(key)
        assert.ok(!seen.has(revision), `revision ${revision} came twice`)
        seen.add(revision)
        highest = Math.max(highest, revision)
        if ((acknowledged.get(key)?.revision ?? 0) < revision) {
          acknowledged.set(key, { revision, deleted: verb === 'del' })
        }
      }
      const store = createStore({ database: openDatabase(path), clock: systemClock })
      assert.ok(store.revision >= highest)
      for (const [key, { revision, deleted }] of acknowledged) {
        // A write may be on disk that nobody was told of any more: newer is fine, older or missing is not.
        const stored = store.table('configmaps').get(key)
        if (stored === undefined) assert.ok(deleted || maybeDeleted.has(key), `${key}@${revision} lost`)
        else
          assert.ok(deleted ? stored.revision > revision : stored.revision >= revision, `${key}@${revision} went back`)
      }
      highest = Math.max(highest, store.revision)
      store.close()
    }
  })

  it('keeps its file private and to itself', () => {
    const path = join(folder, 'private.db')
    const database = openDatabase(path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.throws(
      () => openDatabase(path),
      (error) => hasCode(error, 'SBX_STORE_LOCKED'),
    )
    database.close()
  })
})
