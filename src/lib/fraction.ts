/**
 * Exact fractions, for probabilities that are read by people: three endpoints get 1/3 each, not 0.33333333349.
 *
 * Every `Fraction` made here is in lowest terms with a positive denominator, so equal values are deeply equal.
 */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint }

/** @throws RangeError for a zero denominator: always a defect of the caller. */
export function fraction(numerator: bigint | number, denominator: bigint | number = 1n): Fraction {
  const n = BigInt(numerator)
  const d = BigInt(denominator)
  if (d === 0n) throw new RangeError('a fraction needs a denominator other than zero')
  const divisor = greatestCommonDivisor(n, d) * (d < 0n ? -1n : 1n)
  return { numerator: n / divisor, denominator: d / divisor }
}

export function addFractions(a: Fraction, b: Fraction): Fraction {
  return fraction(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
}

export function multiplyFractions(a: Fraction, b: Fraction): Fraction {
  return fraction(a.numerator * b.numerator, a.denominator * b.denominator)
}

/** The probability of the opposite. */
export function oneMinus(a: Fraction): Fraction {
  return fraction(a.denominator - a.numerator, a.denominator)
}

export function compareFractions(a: Fraction, b: Fraction): -1 | 0 | 1 {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** `1/3`; whole numbers without the bar. */
export function formatFraction(a: Fraction): string {
  return a.denominator === 1n ? `${a.numerator}` : `${a.numerator}/${a.denominator}`
}

export function fractionToNumber(a: Fraction): number {
  const whole = a.numerator / a.denominator
  const rest = a.numerator % a.denominator
  // The scaled rest keeps 17 digits even where the two bigints themselves are too large for a double.
  return Number(whole) + Number((rest * 10n ** 18n) / a.denominator) / 1e18
}

/**
 * The fraction with the smallest denominator within `tolerance` of `value` (both ends included).
 *
 * Continued fraction of the interval, which walks the Stern-Brocot tree in steps of whole runs. A double is a fraction
 * itself, so the interval is exact.
 *
 * @throws RangeError if either number is not finite or the tolerance is negative.
 */
export function simplestFractionNear(value: number, tolerance: number): Fraction {
  if (tolerance < 0) throw new RangeError('a tolerance is not negative')
  const middle = exactly(value)
  const reach = exactly(tolerance)
  const low = addFractions(middle, fraction(-reach.numerator, reach.denominator))
  const high = addFractions(middle, reach)
  if (low.numerator <= 0n && high.numerator >= 0n) return fraction(0n)
  if (high.numerator < 0n) {
    const mirrored = simplestBetween(
      fraction(-high.numerator, high.denominator),
      fraction(-low.numerator, low.denominator),
    )
    return fraction(-mirrored.numerator, mirrored.denominator)
  }
  return simplestBetween(low, high)
}

/** For 0 < low <= high. */
function simplestBetween(low: Fraction, high: Fraction): Fraction {
  const whole = low.numerator / low.denominator
  const rest = low.numerator % low.denominator
  if (rest === 0n) return fraction(whole)
  if (high.numerator / high.denominator > whole) return fraction(whole + 1n)
  const inner = simplestBetween(
    fraction(high.denominator, high.numerator - whole * high.denominator),
    fraction(low.denominator, rest),
  )
  return fraction(whole * inner.numerator + inner.denominator, inner.numerator)
}

/** The value of a double, without rounding. */
function exactly(value: number): Fraction {
  if (!Number.isFinite(value)) throw new RangeError('only finite numbers are fractions')
  let scaled = value
  let denominator = 1n
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    denominator *= 2n
  }
  return fraction(BigInt(scaled), denominator)
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a
  let y = b < 0n ? -b : b
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}
