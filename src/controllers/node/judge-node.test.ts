import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleNode, samplePod } from '../testing/sample-objects.ts'
import { markedNotReady, readyStatus, withHealth, withTaints } from './judge-node.ts'

const now = '2026-01-01T01:00:00Z'

test('a silent node is Unknown, once; a living one keeps its own word', () => {
  const node = sampleNode('n')
  assert.equal(withHealth(node, { silent: false, now }), node)
  const silent = withHealth(node, { silent: true, now })
  assert.equal(readyStatus(silent), 'Unknown')
  assert.equal(silent.status?.conditions?.length, 1)
  assert.equal(withHealth(silent, { silent: true, now }), silent)
  assert.equal(readyStatus(withHealth({ ...node, status: {} }, { silent: true, now })), 'Unknown')
  assert.equal(readyStatus({ ...node, status: {} }), 'False', 'a node that never said anything')
})

test('taints follow Ready and leave those of others alone', () => {
  const taints = (ready: string, keys: readonly string[]): readonly string[] =>
    (
      withTaints(sampleNode('n', undefined, { ready, taints: keys.map((key) => ({ key, effect: 'NoSchedule' })) })).spec
        ?.taints ?? []
    ).map(({ key }) => key)
  const notReady = 'node.kubernetes.io/not-ready'
  const unreachable = 'node.kubernetes.io/unreachable'
  assert.deepEqual(taints('True', [notReady, 'mine']), ['mine'])
  assert.deepEqual(taints('False', ['mine']), ['mine', notReady])
  assert.deepEqual(taints('Unknown', [notReady]), [unreachable])
  const right = sampleNode('n', undefined, { ready: 'Unknown', taints: [{ key: unreachable, effect: 'NoSchedule' }] })
  assert.equal(withTaints(right), right)
  const none = sampleNode('n')
  assert.equal(withTaints(none), none)
})

test('pods of a silent node lose Ready, once', () => {
  const marked = markedNotReady(samplePod('p'), now)
  assert.deepEqual(marked?.status?.conditions, [
    { type: 'Ready', status: 'False', reason: 'NodeNotReady', lastTransitionTime: now },
  ])
  assert.equal(marked === undefined ? undefined : markedNotReady(marked, now), undefined)
  assert.equal(markedNotReady(samplePod('p', { ready: false }), now), undefined)
})
