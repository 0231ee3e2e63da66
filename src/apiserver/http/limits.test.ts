import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

import { silentLogger } from '#lib'
import type { Refused } from '../status/index.ts'
import { httpFixture, manualClock, PROXY_TOKEN } from '../testing/index.ts'
import { openAuditLog } from './audit-log.ts'
import { createLimits, DEFAULT_LIMITS } from './limits.ts'

const isTooMany = (error: unknown): boolean => {
  const { status, headers } = error as Refused
  return status.code === 429 && status.reason === 'TooManyRequests' && headers['Retry-After'] === '1'
}

describe('limits', () => {
  it('bound what is served at a time, reading and mutating apart, until it is over', () => {
    const limits = createLimits({ ...DEFAULT_LIMITS, inFlight: 2, mutatingInFlight: 1 }, manualClock())
    const first = limits.admit('a', 'reading')
    limits.admit('b', 'reading')
    assert.throws(() => limits.admit('c', 'reading'), isTooMany)
    limits.admit('c', 'mutating')
    assert.throws(() => limits.admit('c', 'mutating'), isTooMany)
    first()
    first()
    limits.admit('c', 'reading')
    assert.throws(() => limits.admit('c', 'reading'), isTooMany, 'ending twice counts once')
  })

  it('bound the watches of one user and of all', () => {
    const limits = createLimits({ ...DEFAULT_LIMITS, longRunning: 3, longRunningOfUser: 2 }, manualClock())
    limits.admit('a', 'long-running')
    limits.admit('a', 'long-running')
    assert.throws(() => limits.admit('a', 'long-running'), isTooMany)
    limits.admit('b', 'long-running')
    assert.throws(() => limits.admit('c', 'long-running'), isTooMany)
  })

  it('bound the rate of one user, not of the others, and let it rest', () => {
    const clock = manualClock()
    const limits = createLimits({ ...DEFAULT_LIMITS, ratePerSecond: 10, burst: 5 }, clock)
    for (let i = 0; i < 5; i += 1) limits.admit('a', 'reading')()
    assert.throws(() => limits.admit('a', 'reading'), isTooMany)
    limits.admit('b', 'reading')()
    clock.advance(100)
    limits.admit('a', 'reading')()
    assert.throws(() => limits.admit('a', 'reading'), isTooMany)
  })

  it('answer 429 on the wire, never to administrators and probes', async () => {
    const f = await httpFixture({ limits: { burst: 2, ratePerSecond: 0 } })
    const codes: number[] = []
    for (let i = 0; i < 3; i += 1) codes.push((await f.call('/api/v1/services', { token: PROXY_TOKEN })).code)
    assert.deepEqual(codes, [200, 200, 429])
    for (let i = 0; i < 3; i += 1) assert.equal((await f.call('/readyz', { token: PROXY_TOKEN })).code, 200)
    for (let i = 0; i < 3; i += 1) assert.equal((await f.call('/api/v1/services')).code, 200)
    await f.close()
  })
})

describe('audit log', () => {
  it('has a line for each request, refused and streaming ones too, with nothing secret in it', async () => {
    const f = await httpFixture({ audit: true })
    const path = join(f.stateDir, 'audit.log')
    await f.call('/api/v1/namespaces/default/secrets', { token: PROXY_TOKEN })
    await f.call('/api/v1/namespaces/default/configmaps', {
      method: 'POST',
      body: { metadata: { name: 'm' }, data: { k: 'content' } },
    })
    await f.call('/api/v1/services', { headers: { 'Impersonate-User': 'jane' } })
    await f.call('/api', { token: 'wrong-token-9876543210' })
    await f.call('/readyz')
    const watch = await f.watch('/api/v1/services?watch=true')
    watch.stop()
    await watch.ended
    await f.close({ keepState: true })
    const text = readFileSync(path, 'utf8')
    type Line = {
      user: { username?: string }
      verb: string
      objectRef?: object
      responseStatus: { code: number }
      impersonatedUser?: { username: string }
      stage: string
    }
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
    assert.deepEqual(
      lines.map(({ user, verb, responseStatus }) => `${user.username ?? '-'} ${verb} ${responseStatus.code}`),
      ['system:kube-proxy list 403', 'admin create 201', 'admin list 403', '- get 401', 'admin watch 200'],
    )
    assert.deepEqual(lines[1]?.objectRef, { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' })
    assert.equal(lines[2]?.impersonatedUser?.username, 'jane')
    assert.ok(!/content|token-/.test(text))
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('sets the file aside when it is full', async () => {
    const f = await httpFixture()
    const path = join(f.stateDir, 'small.log')
    const log = openAuditLog({ path, clock: manualClock(), logger: silentLogger, maxBytes: 1500 })
    const record = {
      uri: '/x',
      verb: 'get',
      user: undefined,
      impersonated: undefined,
      address: '',
      userAgent: '',
      route: undefined,
      code: 200,
      received: 0,
    }
    for (let i = 0; i < 12; i += 1) log.record(record)
    log.close()
    assert.ok(statSync(path).size <= 1500 && statSync(`${path}.1`).size <= 1500)
    await f.close()
  })
})
