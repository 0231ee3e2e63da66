/**
 * Response rate limiting over UDP: a server must not be made to flood somebody whose address is forged in queries. What
 * is counted is alike replies (same rcode and name) to one network, in a fixed table that cannot be made to grow. Of the
 * replies beyond the limit every `slip`-th is sent empty and truncated, so that a real client comes back over TCP.
 */
import type { Clock } from '#lib'

export type RateLimit = {
  /** Alike replies a second to one /24 or /64; 0: unlimited. */
  readonly responsesPerSecond: number
  /** 0: never; 1: each one. */
  readonly slip: number
}

export const NO_RATE_LIMIT: RateLimit = { responsesPerSecond: 0, slip: 2 }

export type RateVerdict = 'send' | 'truncate' | 'drop'

export interface RateLimiter {
  judge(client: string, alike: string): RateVerdict
}

const BUCKETS = 1 << 16
/** A bucket never owes more than this many seconds: who stops is served again soon. */
const WINDOW = 5

export function createRateLimiter(limit: RateLimit, clock: Clock): RateLimiter {
  const { responsesPerSecond: rate, slip } = limit
  const credit = new Float32Array(BUCKETS).fill(rate)
  const seen = new Float64Array(BUCKETS)
  const over = new Uint32Array(BUCKETS)
  return {
    judge: (client, alike) => {
      const bucket = hash(`${networkOf(client)} ${alike}`) % BUCKETS
      const now = clock.monotonic()
      const earned = ((now - (seen[bucket] as number)) / 1000) * rate
      const left = Math.min(rate, (credit[bucket] as number) + earned) - 1
      seen[bucket] = now
      credit[bucket] = Math.max(left, -WINDOW * rate)
      if (left >= 0) return 'send'
      const count = (over[bucket] as number) + 1
      over[bucket] = count
      return slip > 0 && count % slip === 0 ? 'truncate' : 'drop'
    },
  }
}

/** /24 or the first four groups (a /64, or less where zeros are left out): only being alike matters. */
function networkOf(client: string): string {
  if (!client.includes(':')) return client.slice(0, client.lastIndexOf('.'))
  return client.split(':', 4).join(':')
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
