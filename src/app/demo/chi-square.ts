/**
 * Pearson's chi-square test: how likely counts at least as uneven as these are, if each request had picked its pod by the
 * expected probabilities.
 */
export type ChiSquare = { readonly statistic: number; readonly degreesOfFreedom: number; readonly p: number }

/** `expected` are probabilities that add up to 1; both lists name the same classes in the same order. */
export function chiSquare(observed: readonly number[], expected: readonly number[]): ChiSquare {
  const total = observed.reduce((sum, count) => sum + count, 0)
  const statistic = observed.reduce((sum, count, i) => {
    const mean = total * (expected[i] ?? 0)
    return mean === 0 ? (count === 0 ? sum : Infinity) : sum + (count - mean) ** 2 / mean
  }, 0)
  const degreesOfFreedom = observed.length - 1
  return { statistic, degreesOfFreedom, p: degreesOfFreedom < 1 ? 1 : upperGamma(degreesOfFreedom / 2, statistic / 2) }
}

/**
 * Regularised upper incomplete gamma function Q(a, x) for a a multiple of one half, by its recurrence
 * Q(a + 1, x) = Q(a, x) + x^a e^-x / Γ(a + 1) (DLMF 8.8.6).
 */
function upperGamma(a: number, x: number): number {
  if (x === Infinity) return 0
  let step = Number.isInteger(a) ? 1 : 0.5
  let q = Number.isInteger(a) ? Math.exp(-x) : complementaryError(Math.sqrt(x))
  let term = Number.isInteger(a) ? x * Math.exp(-x) : (2 * Math.sqrt(x) * Math.exp(-x)) / Math.sqrt(Math.PI)
  while (step < a) {
    q += term
    step += 1
    term *= x / step
  }
  return Math.min(1, Math.max(0, q))
}

/** erfc by its Maclaurin series for small arguments and its continued fraction for large ones (DLMF 7.6.1, 7.9.1). */
function complementaryError(z: number): number {
  if (z < 2) {
    let term = z
    let sum = z
    for (let n = 1; n < 60; n++) {
      term *= (-z * z) / n
      sum += term / (2 * n + 1)
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (z + fraction)
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction))
}
