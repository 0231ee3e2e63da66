import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import {
  addFractions,
  compareFractions,
  formatFraction,
  fraction,
  fractionToNumber,
  multiplyFractions,
  oneMinus,
  simplestFractionNear,
} from './fraction.ts'

const anyFraction = fc
  .tuple(fc.bigInt({ min: -1000n, max: 1000n }), fc.bigInt({ min: 1n, max: 1000n }))
  .map(([n, d]) => fraction(n, d))

describe('fraction', () => {
  test('is in lowest terms with a positive denominator', () => {
    assert.deepEqual(fraction(6, -8), { numerator: -3n, denominator: 4n })
    assert.deepEqual(fraction(0n, 5n), { numerator: 0n, denominator: 1n })
    assert.deepEqual(fraction(7), { numerator: 7n, denominator: 1n })
    assert.throws(() => fraction(1, 0), RangeError)
  })

  test('adds, multiplies, and knows the opposite', () => {
    assert.deepEqual(addFractions(fraction(1, 3), fraction(1, 6)), fraction(1, 2))
    assert.deepEqual(multiplyFractions(fraction(2, 3), fraction(3, 4)), fraction(1, 2))
    assert.deepEqual(oneMinus(fraction(1, 3)), fraction(2, 3))
    fc.assert(
      fc.property(anyFraction, anyFraction, (a, b) => {
        assert.deepEqual(addFractions(a, b), addFractions(b, a))
        assert.deepEqual(addFractions(oneMinus(a), a), fraction(1))
        assert.deepEqual(multiplyFractions(a, addFractions(b, oneMinus(b))), a)
      }),
    )
  })

  test('orders by value', () => {
    assert.equal(compareFractions(fraction(1, 3), fraction(1, 2)), -1)
    assert.equal(compareFractions(fraction(2, 4), fraction(1, 2)), 0)
    assert.equal(compareFractions(fraction(-1, 3), fraction(-1, 2)), 1)
  })

  test('prints for people', () => {
    assert.equal(formatFraction(fraction(1, 3)), '1/3')
    assert.equal(formatFraction(fraction(4, 2)), '2')
    assert.equal(formatFraction(fraction(-1, 2)), '-1/2')
  })

  test('becomes a number, however large its parts', () => {
    assert.equal(fractionToNumber(fraction(1, 4)), 0.25)
    assert.equal(fractionToNumber(fraction(-7, 2)), -3.5)
    const large = 10n ** 400n
    assert.ok(Math.abs(fractionToNumber(fraction(large + 1n, 3n * large)) - 1 / 3) < 1e-15)
  })
})

describe('simplestFractionNear', () => {
  const cases = [
    { value: 0.33333333349, tolerance: 3e-10, expected: fraction(1, 3) },
    { value: 0.5, tolerance: 0, expected: fraction(1, 2) },
    { value: 3.141592653589793, tolerance: 1e-2, expected: fraction(22, 7) },
    { value: 3.141592653589793, tolerance: 1e-6, expected: fraction(355, 113) },
    { value: -0.33333333349, tolerance: 3e-10, expected: fraction(-1, 3) },
    { value: 1e-12, tolerance: 1e-10, expected: fraction(0) },
    { value: 0.9999999999, tolerance: 3e-10, expected: fraction(1) },
    { value: 7, tolerance: 0, expected: fraction(7) },
    { value: 0.6, tolerance: 0.2, expected: fraction(1, 2) },
  ]
  for (const { value, tolerance, expected } of cases) {
    test(`${value} within ${tolerance} is ${formatFraction(expected)}`, () => {
      assert.deepEqual(simplestFractionNear(value, tolerance), expected)
    })
  }

  test('is within the tolerance, and no smaller denominator is', () => {
    const values = fc.double({ min: 0.001, max: 5, noNaN: true })
    const tolerances = fc.double({ min: 1e-4, max: 0.1, noNaN: true })
    fc.assert(
      fc.property(values, tolerances, (value, tolerance) => {
        const found = simplestFractionNear(value, tolerance)
        assert.ok(Math.abs(fractionToNumber(found) - value) <= tolerance * (1 + 1e-9))
        for (let denominator = 1; denominator < Number(found.denominator); denominator += 1) {
          const nearest = Math.round(value * denominator) / denominator
          assert.ok(Math.abs(nearest - value) >= tolerance * (1 - 1e-9), `1/${denominator} is simpler`)
        }
      }),
    )
  })

  test('refuses what is no number', () => {
    assert.throws(() => simplestFractionNear(Number.NaN, 0), RangeError)
    assert.throws(() => simplestFractionNear(1, -1), RangeError)
  })
})
