import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createPodAddresses } from './pod-addresses.ts'

test('both families get the same offset, after network and gateway', () => {
  const addresses = createPodAddresses(['10.244.1.0/24', 'fd00:10:244:1::/64'])
  assert.deepEqual(addresses.take('a'), ['10.244.1.2', 'fd00:10:244:1::2'])
  assert.deepEqual(addresses.take('b'), ['10.244.1.3', 'fd00:10:244:1::3'])
  assert.deepEqual(addresses.take('a'), ['10.244.1.2', 'fd00:10:244:1::2'])
})

test('a freed address is the last to be used again, and a full range has none', () => {
  const addresses = createPodAddresses(['10.0.0.0/29'])
  const taken = ['a', 'b', 'c', 'd', 'e'].map((uid) => addresses.take(uid)?.[0])
  assert.deepEqual(taken, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
  assert.equal(addresses.take('f'), undefined)
  addresses.release('b')
  addresses.release('a')
  assert.equal(addresses.take('f')?.[0], '10.0.0.2')
  assert.equal(addresses.take('g')?.[0], '10.0.0.3')
})
