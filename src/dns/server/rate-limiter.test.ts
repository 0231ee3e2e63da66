import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '#lib'
import type { Clock } from '#lib'
import { answered, failure } from '../resolve.ts'
import { queryPacket, replyOf } from '../testing/dns-client.ts'
import { RCODE } from '../wire/index.ts'
import { createRateLimiter } from './rate-limiter.ts'
import { createResponder } from './respond.ts'

function limited(slip: number) {
  let now = 1_000_000
  const clock = { monotonic: () => now } as unknown as Clock
  const respond = createResponder({
    resolve: ({ question: { type } }) => (type === 1 ? answered([]) : failure(RCODE.NXDOMAIN, true)),
    random: () => 1,
    maxUdpBytes: 1232,
    logger: silentLogger,
    rateLimiter: createRateLimiter({ responsesPerSecond: 5, slip }, clock),
  })
  const burst = (
    count: number,
    ask: (i: number) => readonly [string, string, string],
    transport: 'udp' | 'tcp' = 'udp',
  ) => {
    const sums = { whole: 0, truncated: 0, dropped: 0 }
    for (let i = 0; i < count; i++) {
      const [name, type, address] = ask(i)
      const reply = respond(queryPacket(name, type), { transport, address })
      if (!(reply instanceof Buffer)) sums.dropped++
      else if (replyOf(reply).message.truncated) sums.truncated++
      else sums.whole++
    }
    return sums
  }
  return { burst, wait: (milliseconds: number) => (now += milliseconds) }
}

test('alike replies to one network are limited; of the rest every second one is an empty truncated reply', () => {
  const { burst, wait } = limited(2)
  assert.deepEqual(
    burst(25, (i) => ['web.example', 'A', `192.0.2.${i}`]),
    { whole: 5, truncated: 10, dropped: 10 },
  )
  wait(60_000)
  assert.deepEqual(
    burst(5, () => ['web.example', 'A', '192.0.2.1']),
    { whole: 5, truncated: 0, dropped: 0 },
  )
})

test('other names and other networks have limits of their own; denials are alike whatever their name', () => {
  const { burst } = limited(0)
  assert.equal(burst(50, (i) => [`n${i}.example`, 'A', '192.0.2.1']).whole, 50)
  assert.equal(burst(50, (i) => ['web.example', 'A', `10.${i}.0.1`]).whole, 50)
  assert.deepEqual(
    burst(50, (i) => [`x${i}.example`, 'AAAA', '192.0.2.1']),
    { whole: 5, truncated: 0, dropped: 45 },
  )
})

test('TCP is not limited: its addresses are not forged', () => {
  const { burst } = limited(2)
  assert.equal(burst(50, () => ['web.example', 'A', '192.0.2.1'], 'tcp').whole, 50)
})
