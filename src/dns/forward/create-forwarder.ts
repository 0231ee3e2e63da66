/**
 * Questions for names outside the cluster, sent to the configured upstreams.
 *
 * The first good reply wins. An upstream that fails is followed by the next at once; one that is silent is given company
 * after `hedgeMilliseconds` but still listened to, so that a dead upstream costs a fraction of a second and the client
 * hears before its own timeout of five. Everything is bounded: tries, time, questions at once, in all and per client.
 */
import type { Clock } from '#lib'
import { RCODE } from '../wire/index.ts'
import type { Outcome } from './exchange.ts'
import { exchangeTcp } from './exchange-tcp.ts'
import { exchangeUdp } from './exchange-udp.ts'
import type { Upstream } from './upstream.ts'
import { upstreamText } from './upstream.ts'
import type { ForwardQuestion } from './upstream-query.ts'
import { encodeUpstreamQuery } from './upstream-query.ts'

export type ForwardLimits = {
  readonly maxTries: number
  readonly hedgeMilliseconds: number
  readonly totalMilliseconds: number
  readonly maxConcurrent: number
  readonly maxConcurrentPerClient: number
}

export const DEFAULT_FORWARD_LIMITS: ForwardLimits = {
  maxTries: 4,
  hedgeMilliseconds: 400,
  totalMilliseconds: 3500,
  maxConcurrent: 1000,
  maxConcurrentPerClient: 200,
}

export type ForwardResult =
  | Extract<Outcome, { kind: 'reply' }>
  /** No upstream gave a usable reply in time. */
  | { readonly kind: 'failed'; readonly why: string }
  /** Nothing was sent: too many questions are under way. */
  | { readonly kind: 'refused' }

export interface Forwarder {
  forward(question: ForwardQuestion, client: string): Promise<ForwardResult>
}

export type ForwarderOptions = {
  readonly upstreams: readonly Upstream[]
  readonly limits: ForwardLimits
  readonly clock: Clock
  /** An integer from 0 up to, not including, the bound; must not be predictable. */
  readonly random: (below: number) => number
  readonly signal: AbortSignal
}

/** An upstream that failed is tried last for this long, milliseconds. */
const COOL_DOWN = 5000

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { clock, limits, upstreams } = options
  const failedAt = new Map<Upstream, number>()
  const perClient = new Map<string, number>()
  let underWay = 0

  const plan = (): Upstream[] => {
    const now = clock.monotonic()
    const suspect = (upstream: Upstream): boolean => now - (failedAt.get(upstream) ?? -Infinity) < COOL_DOWN
    const order = [...upstreams.filter((upstream) => !suspect(upstream)), ...upstreams.filter(suspect)]
    return Array.from({ length: limits.maxTries }, (_, i) => order[i % order.length] as Upstream)
  }

  return {
    forward: async (question, client) => {
      const clients = perClient.get(client) ?? 0
      if (underWay >= limits.maxConcurrent || clients >= limits.maxConcurrentPerClient) return { kind: 'refused' }
      underWay++
      perClient.set(client, clients + 1)
      try {
        return await race(question, plan(), {
          ...options,
          onFailed: (upstream) => failedAt.set(upstream, clock.monotonic()),
          onGood: (upstream) => failedAt.delete(upstream),
        })
      } finally {
        underWay--
        const left = (perClient.get(client) ?? 1) - 1
        if (left === 0) perClient.delete(client)
        else perClient.set(client, left)
      }
    },
  }
}

type RaceOptions = ForwarderOptions & {
  readonly onFailed: (upstream: Upstream) => void
  readonly onGood: (upstream: Upstream) => void
}

function race(question: ForwardQuestion, plan: readonly Upstream[], options: RaceOptions): Promise<ForwardResult> {
  const { clock, limits } = options
  return new Promise((resolve) => {
    const over = new AbortController()
    const silent = new Set<Upstream>()
    let started = 0
    let pending = 0
    let fallback: ForwardResult | undefined
    let cancelHedge = (): void => undefined

    const finish = (result: ForwardResult): void => {
      if (over.signal.aborted) return
      cancelDeadline()
      cancelHedge()
      options.signal.removeEventListener('abort', stop)
      over.abort()
      resolve(result)
    }
    const giveUp = (why: string): void => {
      for (const upstream of silent) options.onFailed(upstream)
      finish(fallback?.kind === 'reply' ? fallback : { kind: 'failed', why })
    }
    const stop = (): void => finish({ kind: 'failed', why: 'shutting down' })

    const start = (): void => {
      const upstream = plan[started]
      if (upstream === undefined || over.signal.aborted) return
      started++
      pending++
      silent.add(upstream)
      cancelHedge()
      cancelHedge = clock.after(limits.hedgeMilliseconds, start)
      void tryUpstream(question, upstream, { signal: over.signal, random: options.random }).then((outcome) => {
        if (over.signal.aborted) return
        pending--
        silent.delete(upstream)
        if (outcome.kind === 'reply' && isGood(outcome.message.rcode)) {
          options.onGood(upstream)
          for (const other of silent) options.onFailed(other)
          finish(outcome)
          return
        }
        options.onFailed(upstream)
        if (outcome.kind === 'reply') fallback ??= outcome
        if (started < plan.length) start()
        else if (pending === 0) {
          giveUp(outcome.kind === 'failed' ? `${upstreamText(upstream)}: ${outcome.why}` : 'all upstreams refused')
        }
      })
    }

    const cancelDeadline = clock.after(limits.totalMilliseconds, () => giveUp('no upstream replied in time'))
    options.signal.addEventListener('abort', stop, { once: true })
    if (options.signal.aborted) stop()
    else start()
  })
}

/** Another upstream may know better; the reply is kept in case none does. */
function isGood(rcode: number): boolean {
  return rcode !== RCODE.SERVFAIL && rcode !== RCODE.REFUSED && rcode !== RCODE.NOTIMP && rcode !== RCODE.FORMERR
}

/** UDP first; a truncated reply is asked for again over TCP, and stands if that fails. */
async function tryUpstream(
  forward: ForwardQuestion,
  upstream: Upstream,
  rest: { signal: AbortSignal; random: (below: number) => number },
): Promise<Outcome> {
  const id = rest.random(0x10000)
  const packet = encodeUpstreamQuery(forward, id)
  const exchange = { upstream, packet, id, question: forward.question, signal: rest.signal }
  const outcome = await exchangeUdp(exchange)
  if (outcome.kind !== 'reply' || !outcome.message.truncated) return outcome
  const whole = await exchangeTcp(exchange)
  return whole.kind === 'reply' ? whole : outcome
}
