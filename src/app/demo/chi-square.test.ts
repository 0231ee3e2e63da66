import assert from 'node:assert/strict'
import { test } from 'node:test'

import { chiSquare } from './chi-square.ts'

/** Critical values of the chi-square distribution, from any printed table: [degrees of freedom, statistic, p]. */
const table: readonly (readonly [number, number, number])[] = [
  [1, 3.841, 0.05],
  [1, 10.828, 0.001],
  [2, 5.991, 0.05],
  [2, 13.816, 0.001],
  [3, 7.815, 0.05],
  [3, 16.266, 0.001],
  [4, 9.488, 0.05],
  [9, 16.919, 0.05],
  [10, 29.588, 0.001],
]

for (const [degrees, statistic, p] of table) {
  test(`${degrees} degrees of freedom, ${statistic}: p = ${p}`, () => {
    // Two classes carry the whole deviation, the rest are as expected.
    const classes = degrees + 1
    const mean = 1000
    const off = Math.sqrt((statistic * mean) / 2)
    const observed = Array.from({ length: classes }, (_, i) => mean + (i === 0 ? off : i === 1 ? -off : 0))
    const result = chiSquare(
      observed,
      observed.map(() => 1 / classes),
    )
    assert.ok(Math.abs(result.statistic - statistic) < 1e-6)
    assert.ok(Math.abs(result.p - p) < p * 0.01, `got ${result.p}`)
  })
}

test('even counts are entirely plausible, one-sided ones are not', () => {
  assert.equal(chiSquare([100, 100, 100], [1 / 3, 1 / 3, 1 / 3]).p, 1)
  assert.ok(chiSquare([300, 0, 0], [1 / 3, 1 / 3, 1 / 3]).p < 1e-50)
  assert.equal(chiSquare([10, 1], [1, 0]).p, 0)
})
