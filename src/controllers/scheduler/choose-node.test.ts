import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '#api'
import { sampleNode, samplePod } from '../testing/sample-objects.ts'
import { chooseNode } from './choose-node.ts'

const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' }

test('fewest pods first, then the name', () => {
  const nodes = [sampleNode('c'), sampleNode('b'), sampleNode('a')]
  const counts: Readonly<Record<string, number>> = { a: 2, b: 1, c: 1 }
  assert.deepEqual(
    chooseNode(samplePod('p'), nodes, (name) => counts[name] ?? 0),
    { node: 'b' },
  )
})

test('nodes that do not fit are named with the reason', () => {
  const nodes = [
    sampleNode('a', undefined, { ready: 'Unknown' }),
    sampleNode('b', undefined, { unschedulable: true }),
    sampleNode('c', undefined, { taints: [taint] }),
    sampleNode('d'),
  ]
  const pod = samplePod('p', { spec: { nodeSelector: { disk: 'ssd' } } })
  assert.deepEqual(
    chooseNode(pod, nodes, () => 0),
    {
      refused:
        "0/4 nodes are available: 2 node(s) didn't match the pod's node selector, 1 node(s) were not ready, 1 node(s) were unschedulable.",
    },
  )
  assert.deepEqual(
    chooseNode(samplePod('p'), nodes.slice(2, 3), () => 0),
    { refused: '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.' },
  )
  assert.deepEqual(
    chooseNode(samplePod('p'), [], () => 0),
    { refused: 'no nodes available to schedule pods' },
  )
})

test('tolerations: by value, by existence, by effect, of everything', () => {
  const nodes = [sampleNode('n', undefined, { taints: [taint] })]
  const table: readonly (readonly [object, boolean])[] = [
    [{ key: 'gpu', value: 'yes' }, true],
    [{ key: 'gpu', value: 'no' }, false],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ operator: 'Exists' }, true],
    [{ key: '', value: 'yes' }, false],
  ]
  for (const [toleration, fits] of table) {
    const pod = samplePod('p', { spec: { tolerations: [toleration] } as Partial<Pod['spec']> })
    const choice = chooseNode(pod, nodes, () => 0)
    assert.equal('node' in choice, fits, JSON.stringify(toleration))
  }
})
