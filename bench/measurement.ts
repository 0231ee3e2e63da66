/** One number that a benchmark found. */
export type Measurement = {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly goal?: string
  /** Whether the goal was met. */
  readonly met?: boolean
}

export function below(limit: number, found: Omit<Measurement, 'goal' | 'met'>): Measurement {
  return { ...found, goal: `< ${limit} ${found.unit}`, met: found.value < limit }
}

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}
