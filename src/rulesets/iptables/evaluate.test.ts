/** The example services of testdata, asked as in the tables of the reference (TG-7 to TG-11, EP-15 to EP-20). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { FAMILIES, formatFraction, type Family } from '#lib'

import { evaluate } from './evaluate.ts'
import type { HostFacts, Packet } from './packet.ts'
import { ADDRESSES, exampleHost, packetOf } from './testing/example-host.ts'
import { readFixture, rulesetOf } from './testing/read-fixture.ts'

const RULESETS = Object.fromEntries(FAMILIES.map((family) => [family, rulesetOf(readFixture(family, 'save'), family)]))

function ask(family: Family, packet: Partial<Packet>, host: Partial<HostFacts> = {}): string[] {
  const ruleset = RULESETS[family]
  assert.ok(ruleset !== undefined)
  const { outcomes, refused } = evaluate(ruleset, packetOf(family, packet), exampleHost(family, host))
  assert.equal(refused, undefined)
  return outcomes.map((outcome) => {
    const { source, destination, destinationPort, mark } = outcome.packet
    const end = outcome.verdict === 'accepted' ? `${source} ${destination} ${destinationPort}` : outcome.verdict
    assert.equal(mark, 0, 'TG-17: the mark is consumed on the way')
    return `${formatFraction(outcome.probability)} ${end}`
  })
}

for (const family of FAMILIES) {
  const { node, pod, remotePod, service, vip, outside, allowed, loopback } = ADDRESSES[family]
  const fromPod = { source: pod(99), inInterface: 'pods0' }
  const fromOutside = { source: outside }
  const fromNode = { origin: 'local' } as const
  const web = (source: string) => [
    `1/3 ${source} ${pod(11)} 8080`,
    `1/3 ${source} ${pod(12)} 8080`,
    `1/3 ${source} ${remotePod(13)} 8080`,
  ]

  describe(family, () => {
    test('TG-7: a ClusterIP spreads over all; only what is no pod is masqueraded', () => {
      assert.deepEqual(ask(family, { ...fromPod, destination: service(1) }), web(pod(99)))
      assert.deepEqual(ask(family, { ...fromNode, destination: service(1) }), web(node))
      assert.deepEqual(ask(family, { ...fromOutside, destination: service(1) }), web(node))
    })

    test('TG-9: a nodePort masquerades everybody', () => {
      for (const from of [fromPod, fromOutside, fromNode]) {
        assert.deepEqual(ask(family, { ...from, destination: node, destinationPort: 30080 }), web(node))
      }
    })

    test('TG-10: externalTrafficPolicy Local keeps the client address and stays here, unless the client is of the cluster', () => {
      const target = { destination: node, destinationPort: 30081 }
      const all = (source: string) => [`1/2 ${source} ${pod(21)} 9376`, `1/2 ${source} ${remotePod(22)} 9376`]
      assert.deepEqual(ask(family, { ...fromOutside, ...target }), [`1 ${outside} ${pod(21)} 9376`])
      assert.deepEqual(ask(family, { ...fromPod, ...target }), all(pod(99)))
      assert.deepEqual(ask(family, { ...fromNode, ...target }), all(node))
    })

    test('TG-11: a pod that reaches itself is masqueraded, the others of the same flow are not', () => {
      const hairpin = ask(family, { ...fromPod, source: pod(11), destination: service(1) })
      assert.deepEqual(hairpin, [`1/3 ${node} ${pod(11)} 8080`, ...web(pod(11)).slice(1)])
    })

    test('TG-20, TG-23: source ranges let in whom they name, and the rest is dropped un-translated', () => {
      const target = { destination: vip, destinationPort: 443 }
      assert.deepEqual(ask(family, { source: allowed, ...target }), [`1 ${node} ${remotePod(31)} 8443`])
      assert.deepEqual(ask(family, { ...fromOutside, ...target }), ['1 dropped'])
      assert.deepEqual(ask(family, { ...fromPod, ...target }), ['1 dropped'], 'TG-21')
      assert.deepEqual(ask(family, { ...fromNode, ...target }), ['1 dropped'])
    })

    test('EP-15, EP-16: no endpoint is refused, none here is dropped', () => {
      for (const from of [fromPod, fromOutside, fromNode]) {
        assert.deepEqual(ask(family, { ...from, destination: service(9) }), ['1 rejected'])
        assert.deepEqual(ask(family, { ...from, destination: node, destinationPort: 30083 }), ['1 rejected'])
        assert.deepEqual(
          ask(family, { ...from, destination: node, destinationPort: 30082 }),
          ['1 dropped'],
          'EP-20: INPUT',
        )
        const dns = { protocol: 'UDP', destination: service(8), destinationPort: 53 } as const
        assert.deepEqual(ask(family, { ...from, ...dns }), ['1 dropped'])
      }
    })

    test('EP-19: only new flows are refused', () => {
      const established = { ...fromPod, destination: service(9), ctstate: 'ESTABLISHED' } as const
      assert.deepEqual(ask(family, established), [`1 ${pod(99)} ${service(9)} 80`])
      assert.deepEqual(ask(family, { ...established, ctstate: 'INVALID' }), ['1 dropped'])
    })

    test('IPT-12: what a service marked passes a FORWARD policy of DROP, what it did not does not', () => {
      assert.deepEqual(ask(family, { ...fromOutside, destination: outside }), ['1 dropped'])
      assert.deepEqual(ask(family, { ...fromOutside, destination: node, destinationPort: 30080 }), web(node))
    })

    test('IPT-26: affinity goes where the client went, while the list remembers', () => {
      const target = { ...fromPod, protocol: 'UDP', destination: service(3), destinationPort: 53 } as const
      const to = (number: number) => `${pod(99)} ${pod(number)} 53`
      const seen = (age: number): Partial<HostFacts> => ({
        recent: (list, address) => (list === 'KUBE-SEP-STICKY2' && address === pod(99) ? age : undefined),
      })
      assert.deepEqual(ask(family, target), [`1/2 ${to(41)}`, `1/2 ${to(42)}`])
      assert.deepEqual(ask(family, target, seen(600)), [`1 ${to(42)}`])
      assert.deepEqual(ask(family, target, seen(601)), [`1/2 ${to(41)}`, `1/2 ${to(42)}`])
    })

    test('IPT-14, IPT-18: loopback is no way in, and no node port', () => {
      assert.deepEqual(ask(family, { ...fromOutside, destination: loopback, destinationPort: 30080 }), ['1 dropped'])
      assert.deepEqual(ask(family, { ...fromNode, source: loopback, destination: loopback, destinationPort: 30080 }), [
        `1 ${loopback} ${loopback} 30080`,
      ])
    })

    test('TG-4: another protocol or port of a ClusterIP is not touched', () => {
      assert.deepEqual(ask(family, { ...fromPod, destination: service(1), destinationPort: 81 }), [
        `1 ${pod(99)} ${service(1)} 81`,
      ])
      assert.deepEqual(ask(family, { ...fromPod, destination: service(1), protocol: 'SCTP' }), [
        `1 ${pod(99)} ${service(1)} 80`,
      ])
    })
  })
}

test('the steps tell the way, rule by rule', () => {
  const { pod, service } = ADDRESSES.IPv4
  const { outcomes } = evaluate(
    rulesetOf(readFixture('IPv4', 'rules')),
    packetOf('IPv4', { source: pod(11), inInterface: 'pods0', destination: service(1) }),
    exampleHost('IPv4'),
  )
  const steps = outcomes[0]?.steps.map((step) => `${step.chain} ${step.effect.kind}`)
  assert.deepEqual(steps, [
    'PREROUTING policy',
    'PREROUTING jump',
    'KUBE-SERVICES jump',
    'KUBE-SVC-WEB jump',
    'KUBE-SEP-WEB1 jump',
    'KUBE-MARK-MASQ mark',
    'KUBE-SEP-WEB1 dnat',
    'FORWARD jump',
    'FORWARD jump',
    'KUBE-FORWARD accept',
    'POSTROUTING jump',
    'KUBE-POSTROUTING mark',
    'KUBE-POSTROUTING masquerade',
  ])
})
