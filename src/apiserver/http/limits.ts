/**
 * How much one server takes on at a time and from one user (kube-apiserver --max-requests-inflight and its siblings). What
 * goes beyond is told to come back: 429 with Retry-After, which client-go obeys.
 */
import type { Clock } from '#lib'
import { failure, Refused } from '../status/index.ts'

export type LimitOptions = {
  /** Requests being served; watches, logs and streams do not count. */
  readonly inFlight: number
  readonly mutatingInFlight: number
  /** Open watches, logs and streams of all users and of one. */
  readonly longRunning: number
  readonly longRunningOfUser: number
  /** Requests of one user in a second, and how many may come at once after a pause. */
  readonly ratePerSecond: number
  readonly burst: number
}

/** The first two are kube-apiserver's; the others let a busy controller through and stop a loop that has gone wild. */
export const DEFAULT_LIMITS: LimitOptions = {
  inFlight: 400,
  mutatingInFlight: 200,
  longRunning: 4_000,
  longRunningOfUser: 2_000,
  ratePerSecond: 5_000,
  burst: 10_000,
}

export type RequestClass = 'reading' | 'mutating' | 'long-running'

export type Limits = {
  /** Throws the refusal, or counts the request until the returned function is called. */
  readonly admit: (user: string, requestClass: RequestClass) => () => void
}

type Bucket = { tokens: number; at: number; longRunning: number }

/** Users nobody has heard of for so long are forgotten. */
const FORGET_MILLISECONDS = 60_000

export function createLimits(options: LimitOptions, clock: Clock): Limits {
  const { inFlight, mutatingInFlight, longRunning, longRunningOfUser, ratePerSecond, burst } = options
  const users = new Map<string, Bucket>()
  const running = { reading: 0, mutating: 0, 'long-running': 0 }
  let sweptAt = clock.monotonic()

  const bucketOf = (user: string): Bucket => {
    const now = clock.monotonic()
    if (now - sweptAt > FORGET_MILLISECONDS) {
      sweptAt = now
      for (const [name, one] of users) {
        if (one.longRunning === 0 && now - one.at > FORGET_MILLISECONDS) users.delete(name)
      }
    }
    const bucket = users.get(user) ?? { tokens: burst, at: now, longRunning: 0 }
    users.set(user, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * ratePerSecond) / 1000)
    bucket.at = now
    return bucket
  }

  return {
    admit: (user, requestClass) => {
      const bucket = bucketOf(user)
      if (bucket.tokens < 1) throw tooMany()
      if (requestClass === 'long-running') {
        if (running['long-running'] >= longRunning || bucket.longRunning >= longRunningOfUser) throw tooMany()
        bucket.longRunning += 1
      } else {
        const most = requestClass === 'mutating' ? mutatingInFlight : inFlight
        if (running[requestClass] >= most) throw tooMany()
      }
      bucket.tokens -= 1
      running[requestClass] += 1
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        running[requestClass] -= 1
        if (requestClass === 'long-running') bucket.longRunning -= 1
      }
    },
  }
}

function tooMany(): Refused {
  const status = failure({
    code: 429,
    reason: 'TooManyRequests',
    message: 'too many requests, please try again later',
    details: { retryAfterSeconds: 1 },
  })
  return new Refused(status, { 'Retry-After': '1' })
}
