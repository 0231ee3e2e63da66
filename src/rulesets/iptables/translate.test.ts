import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { evaluate } from './evaluate.ts'
import { ask, only } from './testing/ask-example.ts'
import { exampleHost, packetOf } from './testing/example-host.ts'
import { rulesetOf } from './testing/read-fixture.ts'

describe('translations', () => {
  const nat = (rules: readonly string[]) => [
    '*nat',
    ':PREROUTING ACCEPT',
    ':INPUT ACCEPT',
    ':OUTPUT ACCEPT',
    ':POSTROUTING ACCEPT',
    ...rules,
    'COMMIT',
  ]

  const destinations: readonly (readonly [string, string])[] = [
    ['10.20.1.9:8080', '10.20.1.9:8080'],
    ['10.20.1.9', '10.20.1.9:80'],
    [':8080', '10.30.0.1:8080'],
  ]
  for (const [to, expected] of destinations) {
    test(`DNAT to ${to}`, () => {
      const { packet } = only(nat([`-A PREROUTING -p tcp -j DNAT --to-destination ${to}`]))
      assert.equal(`${packet.destination}:${packet.destinationPort}`, expected)
    })
  }

  test('DNAT of IPv6, with and without a port', () => {
    for (const [to, port] of [
      ['[fd00:20:1::9]:8080', 8080],
      ['fd00:20:1::9', 80],
    ] as const) {
      const ruleset = rulesetOf(nat([`-A PREROUTING -p tcp -j DNAT --to-destination ${to}`]).join('\n'), 'IPv6')
      const [outcome] = evaluate(ruleset, packetOf('IPv6'), exampleHost('IPv6')).outcomes
      assert.deepEqual(outcome?.translated, { destination: { address: 'fd00:20:1::9', port } })
    }
  })

  test('the first translation is the nat table’s verdict; a range is the kernel’s choice and refused', () => {
    const twice = nat([
      '-A PREROUTING -j DNAT --to-destination 10.20.1.1',
      '-A PREROUTING -j DNAT --to-destination 10.20.1.2',
    ])
    assert.equal(only(twice).packet.destination, '10.20.1.1')
    const range = ask(nat(['-A PREROUTING -j DNAT --to-destination 10.20.1.1-10.20.1.9']))
    assert.equal(range.refused?.reason, 'the kernel chooses within 10.20.1.1-10.20.1.9')
  })

  test('a translated flow is in states DNAT and SNAT, from then on', () => {
    const seenBy = (chain: string, state: string, rules: readonly string[]) =>
      only(
        [...nat(rules), '*filter', `:${chain} ACCEPT`, `-A ${chain} -m conntrack --ctstate ${state} -j DROP`, 'COMMIT'],
        chain === 'FORWARD' ? {} : { origin: 'local', destination: '172.18.0.11', source: '172.18.0.99' },
      ).verdict
    const dnat = '-A PREROUTING -j DNAT --to-destination 10.20.1.1'
    assert.equal(seenBy('FORWARD', 'DNAT', [dnat]), 'dropped')
    assert.equal(seenBy('FORWARD', 'SNAT,INVALID', [dnat]), 'accepted')
    assert.equal(seenBy('INPUT', 'SNAT', ['-A POSTROUTING -j MASQUERADE']), 'dropped')
    assert.equal(seenBy('OUTPUT', 'SNAT', ['-A POSTROUTING -j MASQUERADE']), 'accepted')
  })

  test('a translation to what is there already is none, and DNAT no state then', () => {
    const rules = ['-A PREROUTING -j DNAT --to-destination 10.30.0.1:80', 'COMMIT', '*filter', ':FORWARD ACCEPT']
    const outcome = only(nat([...rules, '-A FORWARD -m conntrack --ctstate DNAT -j DROP']))
    assert.deepEqual(outcome.translated, {})
    assert.equal(outcome.verdict, 'accepted')
  })

  test('masquerade takes the address of the way out, SNAT the one it names', () => {
    assert.deepEqual(only(nat(['-A POSTROUTING -j MASQUERADE'])).translated.source, {
      address: '172.18.0.11',
      port: 40000,
    })
    assert.equal(only(nat(['-A POSTROUTING -j MASQUERADE --to-ports 1-2'])).packet.source, '172.18.0.11')
    assert.equal(only(nat(['-A POSTROUTING -j SNAT --to-source 10.9.9.9'])).packet.source, '10.9.9.9')
    assert.match(ask(nat(['-A POSTROUTING -j SNAT --to-source 10.9.9.1-10.9.9.9'])).refused?.reason ?? '', /chooses/)
  })

  test('a new port alone is a translation of the source', () => {
    const masqueraded = (option: string) =>
      only(nat([`-A POSTROUTING -j MASQUERADE${option}`]), { source: '172.18.0.11', origin: 'local' }).translated
    assert.deepEqual(masqueraded(''), {})
    assert.deepEqual(masqueraded(' --random-fully'), { source: { address: '172.18.0.11', port: 40000 } })
    assert.deepEqual(masqueraded(' --random'), { source: { address: '172.18.0.11', port: 40000 } })
  })

  test('REDIRECT goes to the interface the packet came in by, or to loopback', () => {
    const rules = nat([
      '-A PREROUTING -p tcp -j REDIRECT --to-ports 8080',
      '-A OUTPUT -p tcp -j REDIRECT --to-ports 8080',
    ])
    assert.equal(ask(rules).refused?.reason, 'the address of interface eth0 is not known')
    const arrived = only(rules, {}, { interfaceAddress: () => '172.18.0.11' })
    assert.deepEqual(arrived.translated.destination, { address: '172.18.0.11', port: 8080 })
    assert.equal(arrived.delivered, 'local')
    const local = only(rules, { origin: 'local' })
    assert.deepEqual(local.translated.destination, { address: '127.0.0.1', port: 8080 })
    assert.equal(local.delivered, 'local')
  })

  test('TG-5: only a NEW packet consults nat', () => {
    const rules = nat(['-A PREROUTING -j DNAT --to-destination 10.20.1.1', '-A POSTROUTING -j MASQUERADE'])
    for (const ctstate of ['ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const) {
      const outcome = only(rules, { ctstate })
      assert.deepEqual(outcome.translated, {})
      assert.equal(outcome.rulesConsidered, 0)
    }
  })

  test('raw may take a packet out of conntrack’s hands, and sees no state itself', () => {
    const raw = [
      '*raw',
      ':PREROUTING ACCEPT',
      '-A PREROUTING -m conntrack --ctstate NEW -j DROP',
      '-A PREROUTING -j CT --notrack',
      'COMMIT',
    ]
    const outcome = only([...raw, ...nat(['-A PREROUTING -j DNAT --to-destination 10.20.1.1'])])
    assert.equal(outcome.verdict, 'accepted')
    assert.equal(outcome.packet.ctstate, 'UNTRACKED')
    assert.deepEqual(outcome.translated, {})
  })
})
