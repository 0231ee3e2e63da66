import type { Labels } from './match-labels.ts'

/** Whether two label or annotation maps say the same; absent is empty. */
export function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  const left = Object.entries(a ?? {})
  return left.length === Object.keys(b ?? {}).length && left.every(([key, value]) => b?.[key] === value)
}
