import assert from 'node:assert/strict'
import { test } from 'node:test'

import { judgeDemo } from './judge-demo.ts'

const expected = { a: '1/3', b: '1/3', c: '1/3' }

test('all answered, by all, in plausible shares: passed', () => {
  const judgement = judgeDemo({ requests: 300, answered: 300, byPod: { a: 110, b: 95, c: 95 }, expected })
  assert.equal(judgement.passed, true)
  assert.deepEqual(judgement.shares[0], { pod: 'a', requests: 110, share: 110 / 300, expected: '1/3' })
})

const bad: readonly (readonly [string, Parameters<typeof judgeDemo>[0], RegExp])[] = [
  [
    'a request without an answer',
    { requests: 300, answered: 299, byPod: { a: 100, b: 100, c: 99 }, expected },
    /1 requests/,
  ],
  ['a silent pod', { requests: 30, answered: 30, byPod: { a: 15, b: 15 }, expected }, /pod c answered no/],
  ['implausible shares', { requests: 300, answered: 300, byPod: { a: 200, b: 50, c: 50 }, expected }, /not plausible/],
  [
    'a stranger',
    { requests: 300, answered: 300, byPod: { a: 100, b: 100, c: 99, d: 1 }, expected },
    /pod d answered, but/,
  ],
  ['nobody', { requests: 300, answered: 0, byPod: {}, expected: {} }, /no pod is behind/],
]

for (const [name, counts, failure] of bad) {
  test(`${name}: not passed, and said why`, () => {
    const judgement = judgeDemo(counts)
    assert.equal(judgement.passed, false)
    assert.match(judgement.failures.join('; '), failure)
  })
}
