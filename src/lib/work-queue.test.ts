import assert from 'node:assert/strict'
import { test } from 'node:test'

import { systemClock } from './clock.ts'
import { createWorkQueue } from './work-queue.ts'

test('a key added several times while waiting runs once; added while running it runs once more', async () => {
  const runs: string[] = []
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  const queue = createWorkQueue({
    clock: systemClock,
    signal: new AbortController().signal,
    onError: () => assert.fail('no error expected'),
    work: async (key) => {
      runs.push(key)
      if (runs.length === 1) await gate
    },
  })
  queue.add('a')
  queue.add('b')
  queue.add('b')
  queue.add('a')
  queue.add('a')
  release()
  await queue.idle()
  assert.deepEqual(runs, ['a', 'b', 'a'])
})

test('a failing key comes back, and others are not held up', async () => {
  const runs: string[] = []
  const failures: number[] = []
  let done = (): void => undefined
  const finished = new Promise<void>((resolve) => (done = resolve))
  const queue = createWorkQueue({
    clock: systemClock,
    signal: new AbortController().signal,
    backoff: { base: 1, max: 5 },
    onError: (_key, _error, count) => failures.push(count),
    work: (key) => {
      runs.push(key)
      if (key === 'bad' && failures.length < 2) return Promise.reject(new Error('not yet'))
      if (key === 'bad') done()
      return Promise.resolve()
    },
  })
  queue.add('bad')
  queue.add('good')
  await finished
  assert.deepEqual(failures, [1, 2])
  assert.deepEqual(runs.slice(0, 2), ['bad', 'good'])
})

test('never two runs of one key at a time, and never more than `parallel`', async () => {
  const active = new Set<string>()
  let most = 0
  const queue = createWorkQueue({
    clock: systemClock,
    signal: new AbortController().signal,
    parallel: 3,
    onError: (_key, error) => assert.fail(String(error)),
    work: async (key) => {
      assert.ok(!active.has(key))
      active.add(key)
      most = Math.max(most, active.size)
      await systemClock.sleep(1)
      active.delete(key)
    },
  })
  for (let i = 0; i < 40; i++) queue.add(`k${i % 7}`)
  await queue.idle()
  assert.equal(most, 3)
})

test('abort drops what waits', async () => {
  const controller = new AbortController()
  let runs = 0
  const queue = createWorkQueue({
    clock: systemClock,
    signal: controller.signal,
    onError: () => undefined,
    work: () => {
      runs += 1
      return Promise.resolve()
    },
  })
  queue.addAfter('later', 5)
  controller.abort()
  queue.add('never')
  await systemClock.sleep(15)
  assert.equal(runs, 0)
})
