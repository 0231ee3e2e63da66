import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'

import { systemClock } from '#lib'

import { ContainerLog } from './container-log.ts'
import { parseLogQuery, serveLog } from './serve-log.ts'

let now = Date.parse('2026-01-01T00:00:00Z')
const clock = { ...systemClock, now: () => now }

function newLog(t: TestContext, limit?: number): { log: ContainerLog; path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-log-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, '0.log')
  return { log: new ContainerLog({ path, clock, ...(limit === undefined ? {} : { limit }) }), path }
}

async function ask(log: ContainerLog, query: string): Promise<string> {
  const parsed = parseLogQuery(new URLSearchParams(query), now)
  assert.ok(!('problem' in parsed))
  const out = new PassThrough()
  serveLog(log, parsed, out)
  return text(out)
}

test('lines are written in the CRI format, whatever the chunks were', (t) => {
  const { log, path } = newLog(t)
  const euro = Buffer.from('5 €\n')
  log.append('stdout', euro.subarray(0, 3))
  log.append('stderr', Buffer.from('oops\nrest'))
  log.append('stdout', euro.subarray(3))
  log.end()
  assert.deepEqual(readFileSync(path, 'utf8').split('\n'), [
    '2026-01-01T00:00:00.000Z stderr F oops',
    '2026-01-01T00:00:00.000Z stdout F 5 €',
    '2026-01-01T00:00:00.000Z stderr F rest',
    '',
  ])
})

test('a line longer than an entry is read back as one line', async (t) => {
  const { log, path } = newLog(t)
  const long = 'x'.repeat(40_000)
  log.append('stdout', Buffer.from(long.slice(0, 30_000)))
  log.append('stdout', Buffer.from(`${long.slice(30_000)}\n`))
  log.append('stdout', Buffer.from('next\n'))
  assert.match(readFileSync(path, 'utf8'), /stdout P x/)
  assert.equal(await ask(log, ''), `${long}\nnext\n`)
  assert.equal(await ask(log, 'tailLines=2'), `${long}\nnext\n`)
  log.end()
})

test('the size is bounded and the newest lines are kept', async (t) => {
  const { log } = newLog(t, 2000)
  for (let i = 0; i < 1000; i += 1) log.append('stdout', Buffer.from(`line ${i}\n`))
  const lines = (await ask(log, '')).trim().split('\n')
  assert.equal(lines.at(-1), 'line 999')
  assert.ok(lines.length > 40 && lines.length < 120, String(lines.length))
  log.end()
})

test('tail, since, timestamps and limit', async (t) => {
  const { log } = newLog(t)
  log.append('stdout', Buffer.from('one\n'))
  now += 60_000
  log.append('stdout', Buffer.from('two\nthree\n'))
  assert.equal(await ask(log, 'tailLines=1'), 'three\n')
  assert.equal(await ask(log, 'tailLines=0'), '')
  assert.equal(await ask(log, 'sinceSeconds=30'), 'two\nthree\n')
  assert.equal(await ask(log, 'sinceTime=2026-01-01T00:00:30Z&limitBytes=5'), 'two\nt')
  assert.equal(await ask(log, 'tailLines=1&timestamps=true'), '2026-01-01T00:01:00.000Z three\n')
  log.end()
})

test('following goes on where reading stopped and ends with the container', async (t) => {
  const { log } = newLog(t)
  log.append('stdout', Buffer.from('before\n'))
  const all = ask(log, 'follow=true')
  log.append('stdout', Buffer.from('after\n'))
  log.end()
  assert.equal(await all, 'before\nafter\n')
})

test('nonsense in a query is an answer', () => {
  for (const query of ['tailLines=-1', 'limitBytes=x', 'sinceTime=yesterday']) {
    assert.ok('problem' in parseLogQuery(new URLSearchParams(query), now), query)
  }
})
