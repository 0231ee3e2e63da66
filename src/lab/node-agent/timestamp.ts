import type { Clock } from '#lib'

/** metav1.Time: RFC 3339 in UTC without a fraction. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** metav1.MicroTime: six digits. */
export function microTimestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/Z$/, '000Z')
}
