/**
 * A forwarder that remembers. Replies are kept as bytes for the shortest TTL in them, within bounds; a negative one for
 * its SOA's minimum (RFC 2308 5), a failure for a few seconds; truncated ones not at all. Every TTL that is handed out is
 * the time left.
 *
 * The same question asked by many at once goes upstream once: besides saving work, this denies a spoofer the chance to
 * guess one of many outstanding IDs (RFC 5452 5).
 */
import type { Clock } from '#lib'
import type { Message, RecordPlace } from '../wire/index.ts'
import { FLAG, lowerName, parseMessage, RCODE, ROOT, scanRecords, TYPE, zoneOffset } from '../wire/index.ts'
import type { CacheConfig } from './cache-config.ts'
import type { Forwarder, ForwardResult } from './create-forwarder.ts'
import type { StoredMessage } from './message-store.ts'
import { createMessageStore } from './message-store.ts'
import type { ForwardQuestion } from './upstream-query.ts'

export type CacheObserver = {
  readonly asked?: () => void
  readonly hit?: (kind: 'success' | 'denial') => void
  readonly missed?: () => void
  readonly prefetched?: () => void
  readonly servedStale?: () => void
  readonly evicted?: (kind: 'success' | 'denial') => void
}

export type CachedForwarderOptions = {
  readonly forwarder: Forwarder
  readonly config: CacheConfig
  readonly clock: Clock
  readonly observer?: CacheObserver
}

export type CachedForwarder = Forwarder & {
  sizes(): { readonly success: number; readonly denial: number }
}

/** Counted as the client when the cache itself asks. */
const PREFETCHER = 'prefetch'

export function createCachedForwarder(options: CachedForwarderOptions): CachedForwarder {
  const { forwarder, config, clock, observer = {} } = options
  const store = createMessageStore(config, (kind) => observer.evicted?.(kind))
  const underWay = new Map<string, Promise<ForwardResult>>()

  const fetch = (key: string, question: ForwardQuestion, client: string): Promise<ForwardResult> => {
    const same = underWay.get(key)
    if (same !== undefined) return same
    const fetching = Promise.resolve(forwarder.forward(question, client)).then((result) => {
      underWay.delete(key)
      return result.kind === 'reply' ? keep(key, result) : result
    })
    underWay.set(key, fetching)
    return fetching
  }

  const keep = (key: string, reply: Extract<ForwardResult, { kind: 'reply' }>): ForwardResult => {
    const { packet, message } = reply
    const places = message.truncated ? undefined : scanRecords(packet)
    const life = places === undefined ? undefined : lifeOf(packet, message, { places, config })
    if (places === undefined || life === undefined) return reply
    const now = clock.monotonic()
    const stored: StoredMessage = {
      kind: life.kind,
      packet,
      places,
      storedAt: now,
      expiresAt: now + life.seconds * 1000,
      hits: 0,
      lastHitAt: now,
    }
    // A failure must not push out what could still be served in its place.
    const before = message.rcode === RCODE.SERVFAIL ? store.get(key) : undefined
    if (isDisabled(message, life.kind, config)) return reply
    if (before === undefined || !servableStale(before, now)) store.set(key, stored)
    return replyOf(stored, life.seconds)
  }

  const servableStale = (stored: StoredMessage, now: number): boolean =>
    config.serveStale !== undefined &&
    now < stored.expiresAt + config.serveStale.seconds * 1000 &&
    ((stored.packet[3] as number) & 15) !== RCODE.SERVFAIL

  const stale = (stored: StoredMessage): ForwardResult => {
    observer.servedStale?.()
    return replyOf(stored, 0)
  }

  const prefetchIfPopular = (stored: StoredMessage, now: number, again: () => void): void => {
    const { prefetch } = config
    if (prefetch === undefined) return
    stored.hits = now - stored.lastHitAt > prefetch.withinSeconds * 1000 ? 1 : stored.hits + 1
    stored.lastHitAt = now
    const share = (stored.expiresAt - now) / (stored.expiresAt - stored.storedAt)
    if (stored.hits >= prefetch.amount && share * 100 <= prefetch.percentage) again()
  }

  return {
    sizes: () => store.sizes(),
    forward: (question, client) => {
      observer.asked?.()
      const key = keyOf(question)
      const stored = store.get(key)
      const now = clock.monotonic()
      if (stored !== undefined && now < stored.expiresAt) {
        observer.hit?.(stored.kind)
        prefetchIfPopular(stored, now, () => {
          if (underWay.has(key)) return
          observer.prefetched?.()
          void fetch(key, question, PREFETCHER)
        })
        return replyOf(stored, Math.ceil((stored.expiresAt - now) / 1000))
      }
      observer.missed?.()
      if (stored === undefined || !servableStale(stored, now)) return fetch(key, question, client)
      const fetching = fetch(key, question, client)
      if (config.serveStale?.verify !== true) return stale(stored)
      return fetching.then((result) => {
        const failed = result.kind !== 'reply' || result.message.rcode === RCODE.SERVFAIL
        return failed ? stale(stored) : result
      })
    },
  }
}

function keyOf(forward: ForwardQuestion): string {
  const { question, edns, checkingDisabled, recursionDesired, authenticData } = forward
  const flags = [edns !== undefined, edns?.dnssecOk === true, checkingDisabled, recursionDesired, authenticData]
  return `${lowerName(question.name)}${question.type} ${question.class} ${flags.map(Number).join('')}`
}

/** The reply with every TTL set; not authoritative, since it is told from memory. */
function replyOf(stored: StoredMessage, seconds: number): ForwardResult {
  const packet = Buffer.from(stored.packet)
  packet[2] = (packet[2] as number) & ~(FLAG.AA >> 8)
  for (const { ttlOffset } of stored.places) packet.writeUInt32BE(seconds, ttlOffset)
  let parsed: Message | undefined
  return {
    kind: 'reply',
    packet,
    get message(): Message {
      parsed ??= mustParse(packet)
      return parsed
    },
  }
}

function mustParse(packet: Buffer): Message {
  const parsed = parseMessage(packet)
  if (!parsed.ok) throw new Error(`a stored reply does not parse: ${parsed.problem}`)
  return parsed.message
}

function isDisabled(message: Message, kind: 'success' | 'denial', config: CacheConfig): boolean {
  const name = lowerName(message.questions[0]?.name ?? ROOT)
  return config.disabled?.[kind].some((zone) => zoneOffset(name, zone) >= 0) === true
}

type Life = { readonly kind: 'success' | 'denial'; readonly seconds: number }

/** Undefined: not to be kept. */
function lifeOf(
  packet: Buffer,
  message: Message,
  rest: { readonly places: readonly RecordPlace[]; readonly config: CacheConfig },
): Life | undefined {
  const { places, config } = rest
  if (message.questions.length !== 1) return undefined
  const ttls = places.map(({ ttlOffset }) => ttlAt(packet, ttlOffset))
  switch (message.rcode) {
    case RCODE.NOERROR: {
      if (
        message.answers.some(({ type }) => type === message.questions[0]?.type) ||
        message.questions[0]?.type === TYPE.ANY
      ) {
        return { kind: 'success', seconds: within(config.success, Math.min(...ttls)) }
      }
      return denialLife(message, ttls, config)
    }
    case RCODE.NXDOMAIN:
      return denialLife(message, ttls, config)
    case RCODE.SERVFAIL:
      return config.servfailTtl > 0 ? { kind: 'denial', seconds: config.servfailTtl } : undefined
    default:
      return undefined
  }
}

/** RFC 2308 5: without a SOA a denial is not to be kept. */
function denialLife(message: Message, ttls: readonly number[], config: CacheConfig): Life | undefined {
  const soa = message.authority.find(({ data }) => data.kind === 'soa')
  if (soa?.data.kind !== 'soa') return undefined
  return { kind: 'denial', seconds: within(config.denial, Math.min(soa.data.minimum, ...ttls)) }
}

/** RFC 2181 8: a TTL with the top bit set is zero. */
function ttlAt(packet: Buffer, offset: number): number {
  const ttl = packet.readUInt32BE(offset)
  return ttl > 0x7fffffff ? 0 : ttl
}

function within(bounds: { readonly minTtl: number; readonly maxTtl: number }, ttl: number): number {
  return Math.min(Math.max(ttl, bounds.minTtl), bounds.maxTtl)
}
