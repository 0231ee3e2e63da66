import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Probe } from '#api'
import type { Clock } from '#lib'

import { runProbe } from './run-probe.ts'

/** Time that passes as fast as it is asked for, and stops at the end. */
async function play(probe: Probe, results: readonly boolean[]): Promise<string> {
  const stop = new AbortController()
  const told: string[] = []
  let now = 0
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after: () => () => undefined,
    sleep: async (milliseconds) => {
      now += milliseconds
    },
  }
  let next = 0
  await runProbe({
    probe,
    attempt: async () => {
      const success = results[next] ?? false
      next += 1
      if (next > results.length) stop.abort()
      else told.push(`${now / 1000}:`)
      return { success, message: '' }
    },
    onOutcome: ({ success }) => told.push(success ? 'up' : 'down'),
    clock,
    signal: stop.signal,
  })
  return told.join(' ').replaceAll(': ', ':')
}

test('defaults: at once, then every ten seconds; up after one success, down after three failures', async () => {
  const outcome = await play({}, [true, false, false, true, false, false, false, false])
  assert.equal(outcome, '0:up 10:20:30:up 40:50:60:down 70:down')
})

test('initial delay, period and thresholds are those given', async () => {
  const probe = { initialDelaySeconds: 7, periodSeconds: 2, successThreshold: 2, failureThreshold: 1 }
  assert.equal(await play(probe, [false, true, true, true, false]), '7:down 9:11:up 13:up 15:down')
})
