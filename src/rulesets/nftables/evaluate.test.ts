import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { formatFraction } from '#lib'
import type { Packet } from '#rulesets/shared'

import { evaluate } from './evaluate.ts'
import type { NftEvaluation, NftHostFacts, NftOutcome } from './outcome.ts'
import { parseNftRuleset } from './parse.ts'

const HOST: NftHostFacts = {
  addressType: (address) => (/^(?:172\.18\.0\.11|127\.0\.0\.1)$/.test(address) ? 'LOCAL' : 'UNICAST'),
  route: (destination) => ({
    outInterface: destination.startsWith('10.244.1.') ? 'pods0' : 'eth0',
    source: '172.18.0.11',
  }),
}
const PACKET: Packet = {
  family: 'IPv4',
  protocol: 'TCP',
  source: '10.244.1.9',
  sourcePort: 40_000,
  destination: '10.96.0.10',
  destinationPort: 80,
  origin: 'forwarded',
  inInterface: 'pods0',
}

function ask(table: string, packet: Partial<Packet> = {}, host: Partial<NftHostFacts> = {}): NftEvaluation {
  const { ruleset, problems } = parseNftRuleset(table.startsWith('table') ? table : `table ip t {\n${table}\n}\n`)
  assert.deepEqual(problems, [])
  return evaluate(ruleset, { ...PACKET, ...packet }, { ...HOST, ...host })
}

/** The one outcome, where there is to be one. */
function only(...asked: Parameters<typeof ask>): NftOutcome {
  const { outcomes, refused } = ask(...asked)
  assert.equal(refused, undefined)
  const [outcome, ...others] = outcomes
  assert.deepEqual(others, [])
  assert.ok(outcome !== undefined)
  return outcome
}

function endpoints({ outcomes }: NftEvaluation): string[] {
  return outcomes.map(
    ({ probability, packet }) => `${formatFraction(probability)} ${packet.destination}:${packet.destinationPort}`,
  )
}

const PRE = 'type nat hook prerouting priority dstnat; policy accept;'
const FORWARD = 'type filter hook forward priority filter; policy accept;'

const SERVICES = `
map services {
  type ipv4_addr . inet_proto . inet_service : verdict
  elements = { 10.96.0.10 . tcp . 80 comment "default/web:http" : goto lb3 }
}
map endpoints {
  typeof ip daddr . meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport
  elements = { 10.96.0.10 . tcp . 80 . 0 : 10.244.1.1 . 8080, 10.96.0.10 . tcp . 80 . 1 : 10.244.1.2 . 8080,
    10.96.0.10 . tcp . 80 . 2 : 10.244.2.3 . 8080 }
}
chain pre {
  ${PRE}
  ip daddr . meta l4proto . th dport vmap @services
}
chain lb3 {
  dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 3 map @endpoints
}
chain lb4 {
  dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 4 map @endpoints
}
`

describe('chance', () => {
  test('NFT-13: slots of a shared map are exact shares', () => {
    const evaluation = ask(SERVICES)
    assert.deepEqual(endpoints(evaluation), ['1/3 10.244.1.1:8080', '1/3 10.244.1.2:8080', '1/3 10.244.2.3:8080'])
    const [first] = evaluation.outcomes
    assert.deepEqual(
      first?.steps.map(({ effect, element, chance }) => [effect.kind, element, chance && formatFraction(chance)]),
      [
        ['goto', { set: 'services', key: '10.96.0.10 . tcp . 80', comment: 'default/web:http' }, undefined],
        ['dnat', { set: 'endpoints', key: '10.96.0.10 . tcp . 80 . 0' }, '1/3'],
      ],
    )
    assert.equal(first.rulesConsidered, 2)
    assert.equal(first.lookups, 2)
  })

  test('a slot without an element leaves the packet as it is', () => {
    const evaluation = ask(SERVICES.replace(': goto lb3', ': goto lb4'))
    assert.deepEqual(endpoints(evaluation), [
      '1/4 10.244.1.1:8080',
      '1/4 10.244.1.2:8080',
      '1/4 10.244.2.3:8080',
      '1/4 10.96.0.10:80',
    ])
  })

  test('slots that lead to the same place are one outcome', () => {
    const evaluation = ask(`chain pre {\n${PRE}
      meta l4proto tcp dnat ip to numgen random mod 3 map { 0 : 10.0.0.1 . 1, 1 : 10.0.0.2 . 2, 2 : 10.0.0.1 . 1 }\n}`)
    assert.deepEqual(endpoints(evaluation), ['2/3 10.0.0.1:1', '1/3 10.0.0.2:2'])
  })

  test('NFT-14: a drawn verdict, in the order of the slots', () => {
    const evaluation =
      ask(`chain a {\nmeta l4proto tcp dnat to 10.0.0.1:1\n}\nchain b {\nmeta l4proto tcp dnat to 10.0.0.2:2\n}
      chain pre {\n${PRE}\nnumgen random mod 4 vmap { 0 : goto a, 1 : goto b, 2 : goto b }\ndnat to 10.0.0.9\n}`)
    assert.deepEqual(endpoints(evaluation), ['1/4 10.0.0.1:1', '1/2 10.0.0.2:2', '1/4 10.0.0.9:80'])
  })

  test('a drawn condition', () => {
    const evaluation = ask(
      `chain pre {\n${PRE}\nnumgen random mod 5 0-1 dnat to 10.0.0.1\nnumgen random mod 3 != 0 dnat to 10.0.0.2\n}`,
    )
    assert.deepEqual(endpoints(evaluation), ['2/5 10.0.0.1:80', '2/5 10.0.0.2:80', '1/5 10.96.0.10:80'])
  })
})

describe('verdicts', () => {
  const second = 'chain second {\ntype filter hook forward priority 10; policy accept;\ndrop\n}'
  test('accept ends its base chain only', () => {
    assert.equal(only(`chain first {\n${FORWARD}\naccept\n}\n${second}`).verdict, 'dropped')
  })
  test('drop is final', () => {
    const outcome = only(`chain first {\n${FORWARD}\ndrop\n}\n${second.replace('drop\n}', 'accept\n}')}`)
    assert.deepEqual([outcome.verdict, outcome.rulesConsidered], ['dropped', 1])
  })
  test('return from a base chain is its policy', () => {
    const outcome = only(`chain first {\n${FORWARD.replace('policy accept', 'policy drop')}\nreturn\n}`)
    assert.equal(outcome.verdict, 'dropped')
    assert.deepEqual(outcome.steps.at(-1)?.effect, { kind: 'policy', policy: 'DROP' })
  })
  test('jump comes back, goto does not', () => {
    const rules = (how: string) =>
      `chain sub {\nip daddr 10.9.9.9 drop\n}\nchain first {\n${FORWARD}\n${how} sub\ndrop\n}`
    assert.equal(only(rules('jump')).verdict, 'dropped')
    assert.equal(only(rules('goto')).verdict, 'accepted')
  })
  test('base chains of inet and ip are asked together, by priority', () => {
    const table = (family: string, priority: string, rule: string) =>
      `table ${family} x${priority} {\nchain c {\ntype filter hook forward priority ${priority}; policy accept;\n${rule}\n}\n}\n`
    const evaluation = ask(table('ip', '5', 'drop') + table('inet', '0', 'reject') + table('ip6', '-5', 'drop'))
    assert.deepEqual(
      evaluation.outcomes.map(({ verdict, rejectedWith }) => [verdict, rejectedWith]),
      [['rejected', 'icmp port-unreachable']],
    )
  })
  test('a dormant table says nothing', () => {
    assert.equal(only(`table ip t {\nflags dormant\nchain c {\n${FORWARD}\ndrop\n}\n}\n`).verdict, 'accepted')
  })
  test('a reset is for TCP', () => {
    const rules = `chain c {\n${FORWARD}\nmeta mark set 0x1 reject with tcp reset\n}`
    assert.equal(only(rules).rejectedWith, 'tcp reset')
    const other = only(rules, { protocol: 'UDP' })
    assert.deepEqual([other.verdict, other.packet.mark], ['accepted', 0])
  })
})

describe('translation', () => {
  test('only new flows are translated', () => {
    const rules = `chain pre {\n${PRE}\ndnat to 10.244.1.1\n}`
    assert.equal(only(rules).packet.destination, '10.244.1.1')
    assert.equal(only(rules, { ctstate: 'ESTABLISHED' }).packet.destination, '10.96.0.10')
  })
  test('NFT-7: marked packets are masqueraded, and the mark is cleared', () => {
    const outcome = only(
      `chain post {\ntype nat hook postrouting priority srcnat; policy accept;
       meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random\n}`,
      { mark: 0x4001 },
    )
    assert.deepEqual([outcome.packet.mark, outcome.translated.source?.address], [1, '172.18.0.11'])
    assert.deepEqual(
      outcome.steps.map(({ index, effect }) => [index, effect.kind]),
      [
        [0, 'mark'],
        [0, 'masquerade'],
      ],
    )
  })
  test('the first translation at a hook is the last, and chains of type nat run at one place', () => {
    const rules = `
      chain late {\ntype nat hook prerouting priority 50; policy accept;\ndnat to 10.244.1.1\n}
      chain later {\ntype nat hook prerouting priority 60; policy accept;\ndnat to 10.244.1.2\n}
      chain between {\ntype filter hook prerouting priority -50; policy accept;\nip daddr 10.96.0.10 drop\n}`
    assert.equal(only(rules).packet.destination, '10.244.1.1')
  })
  test('in a chain of another type it is refused', () => {
    assert.match(ask(`chain c {\n${FORWARD}\ndnat to 10.0.0.1\n}`).refused?.reason ?? '', /not of type nat/)
  })
})

describe('what sets have learned', () => {
  const rules = `set seen {\ntype ipv4_addr\nsize 65535\nflags dynamic,timeout\ntimeout 3h\n}
    chain pre {\n${PRE}\nip saddr @seen dnat to 10.244.1.1\nupdate @seen { ip saddr }\nip saddr @seen dnat to 10.244.1.2\n}`
  test('the packet itself', () => assert.equal(only(rules).packet.destination, '10.244.1.2'))
  test('earlier packets, as the host knows', () => {
    const setHas = (...asked: readonly string[]) => asked.join() === 't,seen,10.244.1.9'
    assert.equal(only(rules, {}, { setHas }).packet.destination, '10.244.1.1')
  })
  test('earlier packets, as listed', () => {
    const listed = rules.replace('timeout 3h\n', 'timeout 3h\nelements = { 10.244.1.9 expires 2h59m }\n')
    assert.equal(only(listed).packet.destination, '10.244.1.1')
  })
})

describe('conditions', () => {
  const cases: readonly (readonly [string, Partial<Packet>, boolean])[] = [
    ['ip saddr 10.244.0.0/16', {}, true],
    ['ip saddr != 10.244.0.0/16', {}, false],
    ['ip saddr != { 10.244.0.0/16, 203.0.113.0/24 }', {}, false],
    ['ip saddr != { 10.244.0.0/16, 203.0.113.0/24 }', { source: '192.0.2.1' }, true],
    ['tcp dport 80', { protocol: 'UDP' }, false],
    ['tcp dport != 80', { protocol: 'UDP' }, false],
    ['th dport 79-81', { protocol: 'UDP' }, true],
    ['th dport 80', { protocol: 'ICMP' }, false],
    ['ip6 saddr != ::1', {}, false],
    ['iifname "pods*"', {}, true],
    ['iifname != "eth0"', {}, true],
    ['oifname "eth0"', {}, true],
    ['meta mark & 0x00004000 == 0x00004000', { mark: 0x4000 }, true],
    ['meta mark 0x00000001-0x00000005', { mark: 3 }, true],
    ['meta mark 0x00000001-0x00000005', { mark: 0x01000000 }, false],
    ['fib saddr type local', { source: '172.18.0.11' }, true],
    ['ct state established,new', {}, true],
    ['ct state != new', {}, false],
    ['ct status dnat', {}, false],
    ['ct direction original', {}, true],
    ['meta l4proto { tcp, udp }', { protocol: 'SCTP' }, false],
    ['log prefix "seen"', {}, true],
  ]
  for (const [condition, packet, holds] of cases) {
    test(`${condition} ${holds ? 'holds' : 'does not hold'} for ${JSON.stringify(packet)}`, () => {
      const outcome = only(`chain c {\n${FORWARD}\n${condition} drop\n}`, packet)
      assert.equal(outcome.verdict === 'dropped', holds)
    })
  }
})

describe('refusals', () => {
  test('name the rule, and only where it is met', () => {
    const rules = `chain c {\n${FORWARD}\ntcp dport 443 limit rate 1/second drop\naccept\n}`
    assert.equal(ask(rules).refused, undefined)
    const { refused, outcomes } = ask(rules, { destinationPort: 443 })
    assert.deepEqual([refused?.table, refused?.chain, refused?.index], ['t', 'c', 0])
    assert.match(refused?.reason ?? '', /limit rate/)
    assert.deepEqual(outcomes, [])
  })
  test('chains that run in circles', () => {
    const { refused } = ask(`chain a {\njump b\n}\nchain b {\njump a\n}\nchain c {\n${FORWARD}\njump a\n}`)
    assert.match(refused?.reason ?? '', /circles/)
  })
  test('sets that are not there or not understood', () => {
    assert.match(ask(`chain c {\n${FORWARD}\nip saddr @x drop\n}`).refused?.reason ?? '', /no set x/)
    assert.match(
      ask(`set x {\ntype ipv4_addr . ether_addr\n}\nchain c {\n${FORWARD}\nip saddr @x drop\n}`).refused?.reason ?? '',
      /not understood/,
    )
  })
})
