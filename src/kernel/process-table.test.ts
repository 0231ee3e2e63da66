import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseStat } from './process-table.ts'

test('a command name with blanks and parentheses does not shift the fields', () => {
  const rest = 'S 7 12 11 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 10'
  assert.deepEqual(parseStat(`12 (a) b (c) ${rest}\n`), {
    pid: 12,
    state: 'S',
    parent: 7,
    session: 11,
    startTime: '987654',
  })
})

test('text without a command name is no entry', () => assert.equal(parseStat('12'), undefined))
