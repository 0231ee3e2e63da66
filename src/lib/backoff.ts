export type BackoffOptions = {
  /** First delay, milliseconds. */
  readonly base: number
  /** Longest delay, milliseconds. */
  readonly max: number
  /** Factor between two delays; 2 if not given. */
  readonly factor?: number
}

/** Delay in milliseconds before try number `failures` + 1 (failures ≥ 1). */
export function backoffDelay(failures: number, options: BackoffOptions): number {
  const exponent = Math.min(failures - 1, 50)
  return Math.min(options.max, options.base * (options.factor ?? 2) ** exponent)
}
