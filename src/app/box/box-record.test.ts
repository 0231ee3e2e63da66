import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { hasCode } from '#lib'

import type { BoxRecord } from './box-record.ts'
import { identityOf, isAlive, readBox, recordPath, requireBox, writeBox } from './box-record.ts'
import { loadCredentials } from './credentials.ts'
import { readSavedPort, savePort } from './saved-port.ts'

const dir = mkdtempSync(join(tmpdir(), 'signalbox-record-'))
after(() => rmSync(dir, { recursive: true }))

const record = (): BoxRecord => ({
  version: 1,
  mode: 'iptables',
  stateDir: dir,
  supervisor: identityOf(process.pid),
  init: identityOf(process.pid),
  nodes: [],
  outside: {},
  relays: [],
})

test('a record is believed while its process lives, and only that very process', () => {
  writeBox(record())
  assert.deepEqual(readBox(dir), record())
  assert.equal(statSync(recordPath(dir)).mode & 0o777, 0o600)
  writeBox({ ...record(), supervisor: { pid: process.pid, startTime: '1' } })
  assert.equal(readBox(dir), undefined, 'a reused pid is somebody else')
  assert.throws(
    () => requireBox(dir),
    (error) => hasCode(error, 'SBX_BOX_NOT_RUNNING'),
  )
})

test('a process that has ended is not alive', async () => {
  const child = spawn('sleep', ['60'])
  const identity = identityOf(child.pid ?? 0)
  assert.ok(isAlive(identity))
  const gone = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGKILL')
  await gone
  assert.equal(isAlive(identity), false)
})

test('a damaged record is named', () => {
  writeFileSync(recordPath(dir), '{')
  assert.throws(
    () => readBox(dir),
    (error) => hasCode(error, 'SBX_BOX_RECORD'),
  )
})

test('credentials: one per role, unguessable, kept across starts, 0600', () => {
  const path = join(dir, 'tokens.json')
  const first = loadCredentials(path, ['node-1'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const tokens = [...first.values()].map(({ token }) => token)
  assert.equal(new Set(tokens).size, tokens.length)
  assert.ok(tokens.every((token) => token.length >= 40))
  const second = loadCredentials(path, ['node-1', 'node-2'])
  assert.equal(second.get('admin')?.token, first.get('admin')?.token)
  assert.deepEqual(second.get('node-2')?.groups, ['system:nodes'])
  assert.deepEqual(second.get('proxy')?.groups, ['system:kube-proxy'])
})

test('the API’s port is remembered; nonsense is not', () => {
  assert.equal(readSavedPort(dir), undefined)
  savePort(dir, '127.0.0.1:40123')
  assert.equal(readSavedPort(dir), 40_123)
  writeFileSync(join(dir, 'api-port'), 'x')
  assert.equal(readSavedPort(dir), undefined)
})
