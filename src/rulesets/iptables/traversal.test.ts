import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { formatFraction } from '#lib'

import { evaluate } from './evaluate.ts'
import type { Effect, Outcome } from './outcome.ts'
import { ask, only } from './testing/ask-example.ts'
import { exampleHost, packetOf } from './testing/example-host.ts'
import { rulesetOf } from './testing/read-fixture.ts'

function path(outcome: Outcome): string[] {
  return outcome.steps.map(
    (step) => `${step.hook} ${step.table} ${step.chain}${step.index ?? ''} ${describeEffect(step.effect)}`,
  )
}

function describeEffect(effect: Effect): string {
  if ('chain' in effect) return `${effect.kind} ${effect.chain}`
  if (effect.kind === 'policy') return `policy ${effect.policy}`
  if (effect.kind === 'mark') return `mark ${effect.before}>${effect.after}`
  return 'to' in effect ? `${effect.kind} ${effect.to.address}:${effect.to.port}` : effect.kind
}

describe('chains', () => {
  const chains = ['*filter', ':FORWARD ACCEPT', ':A -', ':B -']

  test('a jump comes back behind itself, at the end of the chain or at RETURN', () => {
    const rules = [
      '-A FORWARD -j A',
      '-A FORWARD -j B',
      '-A FORWARD -j DROP',
      '-A A -p udp -j ACCEPT',
      '-A B -j RETURN',
      '-A B -j ACCEPT',
    ]
    const outcome = only([...chains, ...rules, 'COMMIT'])
    assert.equal(outcome.verdict, 'dropped')
    assert.deepEqual(path(outcome), [
      'FORWARD filter FORWARD0 jump A',
      'FORWARD filter FORWARD1 jump B',
      'FORWARD filter B0 return',
      'FORWARD filter FORWARD2 drop',
    ])
    assert.equal(outcome.rulesConsidered, 5)
  })

  test('a goto does not come back to the chain it leaves, but to that one’s caller', () => {
    const rules = [
      '-A FORWARD -j A',
      '-A FORWARD -j DROP',
      '-A A -g B',
      '-A A -j ACCEPT',
      '-A B -m mark --mark 1 -j ACCEPT',
    ]
    const outcome = only([...chains, ...rules, 'COMMIT'])
    assert.deepEqual(path(outcome), [
      'FORWARD filter FORWARD0 jump A',
      'FORWARD filter A0 goto B',
      'FORWARD filter FORWARD1 drop',
    ])
  })

  test('a goto from, or a RETURN in, a built-in chain leads to the policy', () => {
    const drop = ['*filter', ':FORWARD DROP', ':A -']
    const gone = only([...drop, '-A FORWARD -g A', '-A FORWARD -j ACCEPT', 'COMMIT'])
    assert.deepEqual(path(gone), ['FORWARD filter FORWARD0 goto A', 'FORWARD filter FORWARD policy DROP'])
    const returned = only([...drop, '-A FORWARD -j RETURN', '-A FORWARD -j ACCEPT', 'COMMIT'])
    assert.equal(returned.verdict, 'dropped')
  })

  test('a rule without a target, or with one that only logs, goes on', () => {
    const rules = ['-A FORWARD -p tcp', '-A FORWARD -j LOG --log-prefix "x "', '-A FORWARD -j ACCEPT']
    assert.deepEqual(path(only([...chains, ...rules, 'COMMIT'])), [
      'FORWARD filter FORWARD0 continue',
      'FORWARD filter FORWARD1 continue',
      'FORWARD filter FORWARD2 accept',
    ])
  })

  test('ACCEPT ends its table, not the packet’s way', () => {
    const text = ['*mangle', ':FORWARD ACCEPT', '-A FORWARD -j ACCEPT', 'COMMIT', '*filter', ':FORWARD DROP', 'COMMIT']
    assert.equal(only(text).verdict, 'dropped')
  })

  test('a missing chain, circles, and endless splitting are refused', () => {
    assert.equal(ask([...chains, '-A FORWARD -j NOWHERE', 'COMMIT']).refused?.reason, 'there is no chain NOWHERE')
    const circle = ['-A FORWARD -j A', '-A A -j B', '-A B -j A']
    assert.equal(ask([...chains, ...circle, 'COMMIT']).refused?.reason, 'the chains run in circles')
    const circle2 = ['-A FORWARD -g A', '-A A -g A']
    assert.equal(ask([...chains, ...circle2, 'COMMIT']).refused?.reason, 'the chains run in circles')
    const half = '-m statistic --mode random --probability 0.5'
    const doubling = Array.from({ length: 20 }, () => `-A FORWARD ${half} -j MARK --or-mark 1`)
    assert.match(ask([...chains, ...doubling, 'COMMIT']).refused?.reason ?? '', /more than 65536 ways/)
  })
})

describe('marks', () => {
  const marked = (target: string, mark: number) =>
    only(['*mangle', ':PREROUTING ACCEPT', `-A PREROUTING -j MARK ${target}`, 'COMMIT'], { mark }).packet.mark

  test('clear the mask, then exclusive-or the value', () => {
    assert.equal(marked('--set-xmark 0x4000/0x4000', 0x1), 0x4001)
    assert.equal(marked('--set-xmark 0x4000/0x4000', 0x4001), 0x4001)
    assert.equal(marked('--set-xmark 0x4000/0x0', 0x4001), 0x1)
    assert.equal(marked('--set-xmark 0x80000000/0xffffffff', 0x1), 0x80000000)
    assert.equal(marked('--xor-mark 0x3', 0x1), 0x2)
    assert.equal(marked('--and-mark 0xf0', 0xff), 0xf0)
    assert.equal(marked('--set-mark 0x2/0xf', 0xff), 0xf2)
  })
})

describe('hooks', () => {
  const hooks = {
    raw: ['PREROUTING', 'OUTPUT'],
    mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    filter: ['INPUT', 'FORWARD', 'OUTPUT'],
    security: ['INPUT', 'FORWARD', 'OUTPUT'],
  }
  const everywhere = Object.entries(hooks).flatMap(([table, chains]) => [
    `*${table}`,
    ...chains.map((chain) => `:${chain} ACCEPT`),
    ...chains.map((chain) => `-A ${chain}`),
    'COMMIT',
  ])
  const asked = (outcome: Outcome) =>
    outcome.steps.filter((step) => step.effect.kind === 'continue').map((step) => `${step.hook} ${step.table}`)

  test('a packet that is forwarded', () => {
    const outcome = only(everywhere)
    assert.deepEqual(asked(outcome), [
      'PREROUTING raw',
      'PREROUTING mangle',
      'PREROUTING nat',
      'FORWARD mangle',
      'FORWARD filter',
      'FORWARD security',
      'POSTROUTING mangle',
      'POSTROUTING nat',
    ])
    assert.equal(outcome.delivered, 'forward')
    assert.equal(outcome.outInterface, 'eth0')
  })

  test('one that arrives for this host', () => {
    const outcome = only(everywhere, { destination: '172.18.0.11' })
    assert.deepEqual(asked(outcome), [
      'PREROUTING raw',
      'PREROUTING mangle',
      'PREROUTING nat',
      'INPUT mangle',
      'INPUT filter',
      'INPUT security',
      'INPUT nat',
    ])
    assert.equal(outcome.delivered, 'local')
    assert.equal(outcome.outInterface, undefined)
  })

  test('one of this host for another', () => {
    assert.deepEqual(asked(only(everywhere, { origin: 'local' })), [
      'OUTPUT raw',
      'OUTPUT mangle',
      'OUTPUT nat',
      'OUTPUT filter',
      'OUTPUT security',
      'POSTROUTING mangle',
      'POSTROUTING nat',
    ])
  })

  test('one of this host for itself comes in again by loopback, without nat', () => {
    const outcome = only(everywhere, { origin: 'local', destination: '172.18.0.11' })
    assert.deepEqual(asked(outcome), [
      'OUTPUT raw',
      'OUTPUT mangle',
      'OUTPUT nat',
      'OUTPUT filter',
      'OUTPUT security',
      'POSTROUTING mangle',
      'POSTROUTING nat',
      'PREROUTING raw',
      'PREROUTING mangle',
      'INPUT mangle',
      'INPUT filter',
      'INPUT security',
    ])
    assert.equal(outcome.delivered, 'local')
  })

  test('the interface a local packet leaves by follows its new destination, but only behind OUTPUT', () => {
    const nat = ['*nat', ':OUTPUT ACCEPT', ':POSTROUTING ACCEPT', '-A OUTPUT -j DNAT --to-destination 10.20.1.9']
    const text = [
      ...nat,
      '-A POSTROUTING -o pods0 -j MASQUERADE',
      'COMMIT',
      '*filter',
      ':OUTPUT DROP',
      '-A OUTPUT -o eth0 -j ACCEPT',
      'COMMIT',
    ]
    const outcome = only(text, { origin: 'local', source: '172.18.0.99' })
    assert.equal(outcome.verdict, 'accepted')
    assert.equal(outcome.outInterface, 'pods0')
    assert.equal(outcome.packet.source, '172.18.0.11')
  })

  test('without a route the packet is turned away', () => {
    const route = () => undefined
    const forwarded = only([], {}, { route })
    assert.deepEqual(
      [forwarded.verdict, forwarded.rejectedWith, forwarded.noRoute],
      ['rejected', 'icmp-net-unreachable', true],
    )
    const moved = ['*nat', ':OUTPUT ACCEPT', '-A OUTPUT -j DNAT --to-destination 10.20.1.9', 'COMMIT']
    const filter = ['*filter', ':OUTPUT ACCEPT', '-A OUTPUT -j DROP', 'COMMIT']
    const lost = only(
      [...moved, ...filter],
      { origin: 'local' },
      { route: (to) => (to === '10.20.1.9' ? undefined : { outInterface: 'eth0', source: '172.18.0.11' }) },
    )
    assert.equal(lost.noRoute, true, 'filter is not asked')
    const blackhole = only([], {}, { addressType: () => 'BLACKHOLE' })
    assert.deepEqual([blackhole.verdict, blackhole.noRoute], ['dropped', true])
  })
})

describe('outcomes', () => {
  test('chance splits in two, in the order of the rules, and adds up to one', () => {
    const third = '-m statistic --mode random --probability 0.33333333349'
    const half = '-m statistic --mode random --probability 0.5'
    const text = [
      '*filter',
      ':FORWARD ACCEPT',
      `-A FORWARD ${third} -j DROP`,
      `-A FORWARD ${half} -j REJECT --reject-with tcp-reset`,
      'COMMIT',
    ]
    const { outcomes, rulesConsidered } = ask(text)
    assert.deepEqual(
      outcomes.map((outcome) => [formatFraction(outcome.probability), outcome.verdict, outcome.rejectedWith]),
      [
        ['1/3', 'dropped', undefined],
        ['1/3', 'rejected', 'tcp-reset'],
        ['1/3', 'accepted', undefined],
      ],
    )
    assert.deepEqual(
      outcomes.map((outcome) =>
        outcome.steps.map((step) => (step.chance === undefined ? '' : formatFraction(step.chance))),
      ),
      [['1/3'], ['1/2'], ['']],
    )
    assert.equal(rulesConsidered, 2)
  })

  test('what can be decided is listed beside what is refused', () => {
    const half = '-m statistic --mode random --probability 0.5'
    const { outcomes, refused } = ask([
      '*filter',
      ':FORWARD ACCEPT',
      `-A FORWARD ${half} -j NFQUEUE --queue-num 1`,
      'COMMIT',
    ])
    assert.equal(refused?.reason, 'target NFQUEUE --queue-num 1 cannot be decided')
    assert.deepEqual(
      outcomes.map((outcome) => formatFraction(outcome.probability)),
      ['1/2'],
    )
  })

  test('a packet that cannot meet the rules is refused', () => {
    const ruleset = rulesetOf('')
    assert.match(evaluate(ruleset, packetOf('IPv6'), exampleHost('IPv6')).refused?.reason ?? '', /never meets/)
    assert.match(
      evaluate(ruleset, packetOf('IPv4', { destination: 'web' }), exampleHost('IPv4')).refused?.reason ?? '',
      /address that is none/,
    )
  })
})
