/**
 * Questions for names outside the cluster, sent to the configured upstreams.
 *
 * The first good reply wins. An upstream that fails is followed by the next at once; one that is silent is given company
 * after `hedgeMilliseconds` but still listened to, so that a dead upstream costs a fraction of a second and the client
 * hears before its own timeout of five. Everything is bounded: tries, time, questions at once, in all and per client.
 */
import type { Clock } from '#lib'
import { CLASS, RCODE, ROOT, TYPE } from '../wire/index.ts'
import type { Outcome, StreamExchange } from './exchange.ts'
import { exchangeUdp } from './exchange-udp.ts'
import type { ForwardPolicy } from './order-upstreams.ts'
import { createOrder } from './order-upstreams.ts'
import { createStreamPool } from './stream-pool.ts'
import type { Upstream } from './upstream.ts'
import { upstreamText } from './upstream.ts'
import { createUpstreamHealth } from './upstream-health.ts'
import type { ForwardQuestion } from './upstream-query.ts'
import { encodeUpstreamQuery } from './upstream-query.ts'

export type ForwardLimits = {
  readonly maxTries: number
  readonly hedgeMilliseconds: number
  readonly totalMilliseconds: number
  readonly maxConcurrent: number
  readonly maxConcurrentPerClient: number
  /** How often an upstream that did not reply is probed. */
  readonly probeMilliseconds: number
  /** How long TCP and TLS connections without queries are kept. */
  readonly expireMilliseconds: number
}

export const DEFAULT_FORWARD_LIMITS: ForwardLimits = {
  maxTries: 4,
  hedgeMilliseconds: 400,
  totalMilliseconds: 3500,
  maxConcurrent: 1000,
  maxConcurrentPerClient: 200,
  probeMilliseconds: 500,
  expireMilliseconds: 10_000,
}

export type ForwardResult =
  | Extract<Outcome, { kind: 'reply' }>
  /** No upstream gave a usable reply in time. */
  | { readonly kind: 'failed'; readonly why: string }
  /** Nothing was sent: too many questions are under way. */
  | { readonly kind: 'refused' }

export interface Forwarder {
  forward(question: ForwardQuestion, client: string): ForwardResult | Promise<ForwardResult>
}

/** What happened to upstreams, for who counts. */
export type ForwardObserver = {
  readonly replied?: (upstream: Upstream, rcode: number, milliseconds: number) => void
  readonly probeFailed?: (upstream: Upstream) => void
  readonly refused?: () => void
}

export type ForwarderOptions = {
  readonly upstreams: readonly Upstream[]
  readonly limits: ForwardLimits
  readonly clock: Clock
  /** An integer from 0 up to, not including, the bound; must not be predictable. */
  readonly random: (below: number) => number
  readonly signal: AbortSignal
  /** `sequential` if not given. */
  readonly policy?: ForwardPolicy
  /** TCP from the start, instead of after truncation. */
  readonly forceTcp?: boolean
  /** False: no upstream is ever suspect (`max_fails 0`). */
  readonly healthChecked?: boolean
  readonly observer?: ForwardObserver
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { clock, limits, upstreams, policy = 'sequential', signal, observer = {} } = options
  const perClient = new Map<string, number>()
  let underWay = 0
  const pool = createStreamPool({ clock, random: options.random, idleMilliseconds: limits.expireMilliseconds })
  signal.addEventListener('abort', () => pool.close(), { once: true })
  const order = createOrder(upstreams, policy, options.random)
  const attempt: Attempt = { random: options.random, forceTcp: options.forceTcp === true, stream: pool.exchange }
  const health = createUpstreamHealth({
    clock,
    intervalMilliseconds: limits.probeMilliseconds,
    onProbeFailed: (upstream) => observer.probeFailed?.(upstream),
    probe: (upstream) => probe(upstream, { attempt, clock, limits, signal }),
    signal,
  })
  const isSuspect = (upstream: Upstream): boolean => options.healthChecked !== false && health.isSuspect(upstream)

  const plan = (): Upstream[] => {
    const inTurn = order()
    const sorted = [...inTurn.filter((upstream) => !isSuspect(upstream)), ...inTurn.filter(isSuspect)]
    const tries = policy === 'parallel' ? sorted.length : limits.maxTries
    return Array.from({ length: tries }, (_, i) => sorted[i % sorted.length] as Upstream)
  }

  return {
    forward: async (question, client) => {
      const clients = perClient.get(client) ?? 0
      if (underWay >= limits.maxConcurrent || clients >= limits.maxConcurrentPerClient) {
        observer.refused?.()
        return { kind: 'refused' }
      }
      underWay++
      perClient.set(client, clients + 1)
      try {
        return await race(question, plan(), {
          clock,
          limits,
          signal,
          attempt,
          atOnce: policy === 'parallel',
          onFailed: (upstream) => health.failed(upstream),
          onReply: (upstream, rcode, milliseconds) => {
            health.good(upstream)
            observer.replied?.(upstream, rcode, milliseconds)
          },
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

type RaceOptions = {
  readonly clock: Clock
  readonly limits: ForwardLimits
  readonly signal: AbortSignal
  readonly attempt: Attempt
  readonly atOnce: boolean
  readonly onFailed: (upstream: Upstream) => void
  readonly onReply: (upstream: Upstream, rcode: number, milliseconds: number) => void
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
      if (!options.atOnce) cancelHedge = clock.after(limits.hedgeMilliseconds, start)
      const began = clock.monotonic()
      void tryUpstream(question, upstream, { ...options.attempt, signal: over.signal }).then((outcome) => {
        if (over.signal.aborted) return
        pending--
        silent.delete(upstream)
        if (outcome.kind === 'reply') {
          options.onReply(upstream, outcome.message.rcode, clock.monotonic() - began)
          if (isGood(outcome.message.rcode)) {
            // Asked at the same moment, others are only slower; asked earlier, they have been silent.
            if (!options.atOnce) for (const other of silent) options.onFailed(other)
            finish(outcome)
            return
          }
          fallback ??= outcome
        } else options.onFailed(upstream)
        if (started < plan.length) start()
        else if (pending === 0) {
          giveUp(outcome.kind === 'failed' ? `${upstreamText(upstream)}: ${outcome.why}` : 'all upstreams refused')
        }
      })
    }

    const cancelDeadline = clock.after(limits.totalMilliseconds, () => giveUp('no upstream replied in time'))
    options.signal.addEventListener('abort', stop, { once: true })
    if (options.signal.aborted) stop()
    else for (let i = options.atOnce ? plan.length : 1; i > 0; i--) start()
  })
}

/** Another upstream may know better; the reply is kept in case none does. */
function isGood(rcode: number): boolean {
  return rcode !== RCODE.SERVFAIL && rcode !== RCODE.REFUSED && rcode !== RCODE.NOTIMP && rcode !== RCODE.FORMERR
}

type Attempt = {
  readonly random: (below: number) => number
  readonly forceTcp: boolean
  readonly stream: StreamExchange
}

/** UDP first, if the upstream speaks it; a truncated reply is asked for again over TCP, and stands if that fails. */
async function tryUpstream(
  forward: ForwardQuestion,
  upstream: Upstream,
  attempt: Attempt & { readonly signal: AbortSignal },
): Promise<Outcome> {
  const id = attempt.random(0x10000)
  const packet = encodeUpstreamQuery(forward, id)
  const exchange = { upstream, packet, id, question: forward.question, signal: attempt.signal }
  if (attempt.forceTcp || upstream.tls !== undefined) return attempt.stream(exchange)
  const outcome = await exchangeUdp(exchange)
  if (outcome.kind !== 'reply' || !outcome.message.truncated) return outcome
  const whole = await attempt.stream(exchange)
  return whole.kind === 'reply' ? whole : outcome
}

const PROBE: ForwardQuestion = {
  question: { name: ROOT, type: TYPE.NS, class: CLASS.IN },
  recursionDesired: true,
  authenticData: false,
  checkingDisabled: false,
  edns: undefined,
}

async function probe(
  upstream: Upstream,
  options: { attempt: Attempt; clock: Clock; limits: ForwardLimits; signal: AbortSignal },
): Promise<Outcome> {
  const over = new AbortController()
  const stop = (): void => over.abort()
  options.signal.addEventListener('abort', stop, { once: true })
  const cancel = options.clock.after(options.limits.totalMilliseconds, stop)
  const outcome = await tryUpstream(PROBE, upstream, { ...options.attempt, signal: over.signal })
  cancel()
  options.signal.removeEventListener('abort', stop)
  return outcome
}
