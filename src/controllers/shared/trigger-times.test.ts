import assert from 'node:assert/strict'
import { test } from 'node:test'
import { samplePod, sampleService } from '../testing/sample-objects.ts'
import { createTriggerTimes, TRIGGER_TIME, withTriggerTime } from './trigger-times.ts'

const service = sampleService('web')
const pod = (name: string, readySince: string) => samplePod(name, { readySince: `2026-01-01T00:${readySince}Z` })

test('15.1 first the creation of the service, then the earliest news, and nothing where there is none', () => {
  const times = createTriggerTimes()
  const observe = (...pods: Parameters<typeof times.observe>[2]) => times.observe('default/web', service, pods)
  assert.equal(observe(pod('a', '05:00')), '2026-01-01T00:00:00Z')
  assert.equal(observe(pod('a', '05:00')), undefined)
  assert.equal(observe(pod('a', '08:00'), pod('b', '07:00')), '2026-01-01T00:07:00Z')
  assert.equal(observe(pod('a', '08:00')), undefined, 'a pod that went has no time')
  const reborn = { ...service, metadata: { ...service.metadata, creationTimestamp: '2026-01-02T00:00:00Z' } }
  assert.equal(times.observe('default/web', reborn, []), '2026-01-02T00:00:00Z')
  times.forget('default/web')
  assert.equal(observe(), '2026-01-01T00:00:00Z')
})

test('the annotation is set, or removed with the map that held nothing else', () => {
  const set = withTriggerTime({ name: 'x' }, 'T')
  assert.deepEqual(set, { name: 'x', annotations: { [TRIGGER_TIME]: 'T' } })
  assert.deepEqual(withTriggerTime(set, undefined), { name: 'x' })
  assert.deepEqual(withTriggerTime({ name: 'x', annotations: { a: 'b' } }, undefined), {
    name: 'x',
    annotations: { a: 'b' },
  })
})
