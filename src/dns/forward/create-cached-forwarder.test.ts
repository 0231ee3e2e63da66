/** What is remembered of upstreams, for how long, and with which TTL it is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#lib'
import type { Message, ResourceRecord } from '../wire/index.ts'
import { addressBytes, encodeMessage, FLAG, nameFromText, parseMessage, RCODE, TYPE } from '../wire/index.ts'
import type { CacheConfig } from './cache-config.ts'
import { DEFAULT_CACHE_CONFIG } from './cache-config.ts'
import { createCachedForwarder } from './create-cached-forwarder.ts'
import type { Forwarder, ForwardResult } from './create-forwarder.ts'
import type { ForwardQuestion } from './upstream-query.ts'

type Said = { ttl?: number; rcode?: number; soaMinimum?: number; soaTtl?: number; truncated?: boolean; fails?: boolean }

const nameOf = (text: string) => nameFromText(text) ?? ('' as never)

function replyTo({ question }: ForwardQuestion, said: Said): ForwardResult {
  if (said.fails === true) return { kind: 'failed', why: 'test' }
  const { name } = question
  const apex = nameOf('example')
  const soa: ResourceRecord = {
    name: apex,
    type: TYPE.SOA,
    class: 1,
    ttl: said.soaTtl ?? 900,
    data: {
      kind: 'soa',
      mname: apex,
      rname: apex,
      serial: 1,
      refresh: 1,
      retry: 1,
      expire: 1,
      minimum: said.soaMinimum ?? 0,
    },
  }
  const message: Message = {
    id: 1,
    response: true,
    opcode: 0,
    authoritative: true,
    truncated: said.truncated ?? false,
    recursionDesired: true,
    recursionAvailable: true,
    authenticData: false,
    checkingDisabled: false,
    rcode: said.rcode ?? 0,
    questions: [question],
    answers:
      said.ttl === undefined
        ? []
        : [
            {
              name,
              type: TYPE.A,
              class: 1,
              ttl: said.ttl,
              data: { kind: 'address', bytes: addressBytes('192.0.2.1') },
            },
          ],
    authority: said.soaMinimum === undefined ? [] : [soa],
    additional: [],
  }
  return { kind: 'reply', packet: encodeMessage(message), message }
}

function setUp(config: Partial<CacheConfig>, say: (asked: number) => Said | Promise<Said>) {
  let now = 0
  let asked = 0
  const forwarder: Forwarder = {
    forward: async (question) => replyTo(question, await say(++asked)),
  }
  const events: string[] = []
  const cached = createCachedForwarder({
    forwarder,
    config: { ...DEFAULT_CACHE_CONFIG, ...config },
    clock: { monotonic: () => now } as unknown as Clock,
    observer: {
      hit: (kind) => events.push(`hit ${kind}`),
      missed: () => events.push('miss'),
      prefetched: () => events.push('prefetch'),
      servedStale: () => events.push('stale'),
      evicted: () => events.push('evicted'),
    },
  })
  const ask = async (name = 'www.example', more: Partial<ForwardQuestion> = {}): Promise<string> => {
    const question = { name: nameOf(name), type: TYPE.A, class: 1 }
    const flags = { recursionDesired: true, authenticData: false, checkingDisabled: false, edns: undefined }
    const result = await cached.forward({ question, ...flags, ...more }, 'client')
    if (result.kind !== 'reply') return result.kind
    const parsed = parseMessage(result.packet)
    assert.ok(parsed.ok)
    const [record] = [...parsed.message.answers, ...parsed.message.authority]
    return `${parsed.message.rcode} ${record?.ttl ?? '-'}`
  }
  return { ask, cached, events, asked: () => asked, at: (seconds: number) => (now = seconds * 1000) }
}

test('a reply is told again with the time left, until that is over', async () => {
  const { ask, asked, at } = setUp({}, () => ({ ttl: 100 }))
  assert.equal(await ask(), '0 100')
  at(40)
  assert.equal(await ask('WWW.example'), '0 60')
  assert.equal(asked(), 1)
  at(100)
  assert.equal(await ask(), '0 100')
  assert.equal(asked(), 2)
})

test('bounds: `cache 30` caps, and the minimum holds for a TTL of zero', async () => {
  const { success } = DEFAULT_CACHE_CONFIG
  const capped = setUp({ success: { ...success, maxTtl: 30 } }, () => ({ ttl: 300 }))
  assert.equal(await capped.ask(), '0 30')
  const zero = setUp({}, () => ({ ttl: 0 }))
  assert.equal(await zero.ask(), '0 5')
})

test('RFC 2308: a denial lasts for the smaller of the SOA’s TTL and minimum; without a SOA it is not kept', async () => {
  const denial = setUp({}, () => ({ rcode: RCODE.NXDOMAIN, soaMinimum: 60, soaTtl: 900 }))
  assert.equal(await denial.ask(), '3 60')
  denial.at(59)
  assert.equal(await denial.ask(), '3 1')
  assert.deepEqual(denial.events, ['miss', 'hit denial'])
  const bare = setUp({}, () => ({ rcode: RCODE.NXDOMAIN }))
  await bare.ask()
  await bare.ask()
  assert.equal(bare.asked(), 2)
})

test('SERVFAIL is kept for seconds, REFUSED and truncated replies not at all', async () => {
  const servfail = setUp({}, () => ({ rcode: RCODE.SERVFAIL }))
  await servfail.ask()
  servfail.at(4)
  await servfail.ask()
  assert.equal(servfail.asked(), 1)
  servfail.at(5)
  await servfail.ask()
  assert.equal(servfail.asked(), 2)
  for (const said of [{ rcode: RCODE.REFUSED }, { ttl: 60, truncated: true }, { fails: true }]) {
    const other = setUp({}, () => said)
    await other.ask()
    await other.ask()
    assert.equal(other.asked(), 2, JSON.stringify(said))
  }
})

test('EDNS, DO and CD make other questions; a hit is not authoritative', async () => {
  const { ask, cached, asked } = setUp({}, () => ({ ttl: 60 }))
  await ask()
  await ask('www.example', { edns: { dnssecOk: false } })
  await ask('www.example', { edns: { dnssecOk: true } })
  await ask('www.example', { checkingDisabled: true })
  assert.equal(asked(), 4)
  const question = { name: nameOf('www.example'), type: TYPE.A, class: 1 }
  const flags = { recursionDesired: true, authenticData: false, checkingDisabled: false, edns: undefined }
  const hit = await cached.forward({ question, ...flags }, 'c')
  assert.equal(hit.kind === 'reply' && hit.packet.readUInt16BE(2) & FLAG.AA, 0)
})

test('RFC 5452: the same question from many at once goes upstream once', async () => {
  const { ask, asked } = setUp({}, () => ({ ttl: 60 }))
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, () => ask()))), new Set(['0 60']))
  assert.equal(asked(), 1)
})

test('prefetch: what is asked for often is fetched again while its last tenth runs', async () => {
  const { ask, asked, at, events } = setUp({ prefetch: { amount: 3, withinSeconds: 60, percentage: 10 } }, () => ({
    ttl: 100,
  }))
  await ask()
  for (const seconds of [10, 20, 30]) {
    at(seconds)
    await ask()
  }
  assert.equal(asked(), 1)
  at(75)
  await ask()
  at(91)
  assert.equal(await ask(), '0 9')
  assert.ok(events.includes('prefetch'))
  await Promise.resolve()
  at(150)
  await ask()
  assert.equal(asked(), 2)
})

test('serve_stale: TTL 0 at once and a fresh one behind it; with verify only when the upstreams fail', async () => {
  const immediate = setUp({ serveStale: { seconds: 3600, verify: false } }, () => ({ ttl: 60 }))
  await immediate.ask()
  immediate.at(100)
  assert.equal(await immediate.ask(), '0 0')
  assert.equal(immediate.asked(), 2)
  const verify = setUp({ serveStale: { seconds: 3600, verify: true } }, (asked) =>
    asked === 2 ? { fails: true } : { ttl: 60 },
  )
  await verify.ask()
  verify.at(100)
  assert.equal(await verify.ask(), '0 0')
  assert.equal(await verify.ask(), '0 60')
  verify.at(4000)
  assert.equal(await verify.ask(), '0 60', 'too old to be served stale: fetched')
})

test('serve_stale: a SERVFAIL does not push out what can still be served', async () => {
  const { ask, at } = setUp({ serveStale: { seconds: 3600, verify: true } }, (asked) =>
    asked === 1 ? { ttl: 60 } : { rcode: RCODE.SERVFAIL },
  )
  await ask()
  at(100)
  assert.equal(await ask(), '0 0')
  assert.equal(await ask(), '0 0')
})

test('memory is bounded by entries and by bytes', async () => {
  const few = setUp({ success: { entries: 3, minTtl: 5, maxTtl: 60 } }, () => ({ ttl: 60 }))
  for (let i = 0; i < 10; i++) await few.ask(`n${i}.example`)
  assert.equal(few.cached.sizes().success, 3)
  assert.equal(few.events.filter((event) => event === 'evicted').length, 7)
  const small = setUp({ maxBytes: 200 }, () => ({ ttl: 60 }))
  for (let i = 0; i < 10; i++) await small.ask(`n${i}.example`)
  assert.ok(small.cached.sizes().success <= 4)
})

test('disable: nothing of a zone is kept', async () => {
  const { ask, asked } = setUp({ disabled: { success: [nameOf('example')], denial: [] } }, () => ({ ttl: 60 }))
  await ask()
  await ask()
  assert.equal(asked(), 2)
})
