import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '#lib'
import { randomInt } from 'node:crypto'
import type { FakeUpstream } from '../testing/fake-upstream.ts'
import { fakeUpstream } from '../testing/fake-upstream.ts'
import { CLASS, nameFromText, RCODE, TYPE } from '../wire/index.ts'
import type { ForwardLimits, ForwardResult } from './create-forwarder.ts'
import { createForwarder, DEFAULT_FORWARD_LIMITS } from './create-forwarder.ts'
import { nameserversOf, parseUpstream, upstreamText } from './upstream.ts'
import type { ForwardQuestion } from './upstream-query.ts'

const addresses = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`)
const script = {
  'www.example.com.': { addresses: ['192.0.2.1'] },
  'many.example.com.': { addresses, truncated: true },
  'spoofed.example.com.': { addresses: ['192.0.2.1'], spoofed: true },
}
const stop = new AbortController()
let good: FakeUpstream
let silent: FakeUpstream
let failing: FakeUpstream

before(async () => {
  good = await fakeUpstream(script)
  silent = await fakeUpstream({ 'www.example.com.': { silent: true }, 'mute.example.com.': { silent: true } })
  failing = await fakeUpstream({ 'www.example.com.': { rcode: RCODE.SERVFAIL } })
})

after(async () => {
  stop.abort()
  await Promise.all([good.close(), silent.close(), failing.close()])
})

const ask = (name: string): ForwardQuestion => ({
  question: { name: nameFromText(name) ?? ('' as never), type: TYPE.A, class: CLASS.IN },
  recursionDesired: true,
  authenticData: false,
  checkingDisabled: false,
  edns: undefined,
})
const forwarder = (upstreams: readonly { address: string; port: number }[], limits: Partial<ForwardLimits> = {}) =>
  createForwarder({
    upstreams,
    limits: { ...DEFAULT_FORWARD_LIMITS, hedgeMilliseconds: 30, totalMilliseconds: 1500, ...limits },
    clock: systemClock,
    random: randomInt,
    signal: stop.signal,
  })
const answersOf = (result: ForwardResult): number => (result.kind === 'reply' ? result.message.answers.length : -1)
const dead = { address: '127.0.0.1', port: 1 }

test('the reply of the first upstream', async () => {
  assert.equal(answersOf(await forwarder([good]).forward(ask('www.example.com'), 'c')), 1)
})

test('NXDOMAIN is an answer, not a failure', async () => {
  const before = failing.asked.length
  const result = await forwarder([good, failing]).forward(ask('none.example.com'), 'c')
  assert.equal(result.kind === 'reply' && result.message.rcode, RCODE.NXDOMAIN)
  assert.equal(failing.asked.length, before)
})

test('an upstream that refuses or fails is followed by the next', async () => {
  assert.equal(answersOf(await forwarder([dead, failing, good]).forward(ask('www.example.com'), 'c')), 1)
})

test('a silent upstream gets company, and is tried last afterwards', async () => {
  const two = forwarder([silent, good])
  assert.equal(answersOf(await two.forward(ask('www.example.com'), 'c')), 1)
  const before = silent.asked.length
  assert.equal(answersOf(await two.forward(ask('www.example.com'), 'c')), 1)
  assert.equal(silent.asked.length, before)
})

test('all silent: failed when the time is up; all failing: the SERVFAIL that was given', async () => {
  const none = await forwarder([silent], { totalMilliseconds: 80 }).forward(ask('mute.example.com'), 'c')
  assert.equal(none.kind, 'failed')
  const bad = await forwarder([failing, dead]).forward(ask('www.example.com'), 'c')
  assert.equal(bad.kind === 'reply' && bad.message.rcode, RCODE.SERVFAIL)
})

test('tries are bounded', async () => {
  const before = failing.asked.length
  await forwarder([failing], { maxTries: 3 }).forward(ask('www.example.com'), 'c')
  assert.equal(failing.asked.length - before, 3)
})

test('TC: the whole answer is fetched over TCP', async () => {
  assert.equal(answersOf(await forwarder([good]).forward(ask('many.example.com'), 'c')), addresses.length)
})

test('replies with another ID or question are not taken for the reply', async () => {
  assert.equal(answersOf(await forwarder([good]).forward(ask('spoofed.example.com'), 'c')), 1)
})

test('more questions at once than allowed, in all or per client, are refused', async () => {
  const narrow = forwarder([silent], { maxConcurrent: 2, maxConcurrentPerClient: 1, totalMilliseconds: 80 })
  const mute = ask('mute.example.com')
  const first = narrow.forward(mute, 'a')
  assert.equal((await narrow.forward(mute, 'a')).kind, 'refused')
  const second = narrow.forward(mute, 'b')
  assert.equal((await narrow.forward(mute, 'c')).kind, 'refused')
  assert.deepEqual([(await first).kind, (await second).kind], ['failed', 'failed'])
  assert.equal((await narrow.forward(mute, 'a')).kind, 'failed')
})

test('upstreams as text', () => {
  assert.deepEqual(parseUpstream('192.0.2.1'), { address: '192.0.2.1', port: 53 })
  assert.deepEqual(parseUpstream('[2001:DB8::1]:5353'), { address: '2001:db8::1', port: 5353 })
  assert.deepEqual(parseUpstream('2001:db8::1'), { address: '2001:db8::1', port: 53 })
  assert.equal(upstreamText({ address: '2001:db8::1', port: 53 }), '[2001:db8::1]:53')
  for (const text of [
    '',
    'dns.example',
    '192.0.2.1:0',
    '192.0.2.1:70000',
    '192.0.2.1:',
    '[192.0.2.1',
    '1.2.3.4:53:53',
  ]) {
    assert.equal(parseUpstream(text), undefined, text)
  }
})

test('nameservers of a resolv.conf', () => {
  const text =
    '# host\nsearch a b\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\n nameserver 9.9.9.9\nnameserver\t::1\n'
  assert.deepEqual(nameserversOf(text), [
    { address: '192.0.2.1', port: 53 },
    { address: '::1', port: 53 },
  ])
})
